"""Settings that a gateway refuses to start with."""

import secrets

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from services.common.errors import InvalidParameter
from services.common.messages import DubParameters

GOOD = secrets.token_urlsafe(32)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "PUBLIC_URL": "https://dub.example.com/",
        "ROUTE_OWNER": "Acme",
        "SUPPORT": "help@example.com",
        "LINK_SECRET": GOOD,
    }.items():
        monkeypatch.setenv(f"LIPSTAGE_{name}", value)
    return monkeypatch


def test_outside_development_nothing_is_assumed() -> None:
    assert GatewaySettings().environment == "production"  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "secret", ["", "short", "x" * 31, "changeme-changeme-changeme-changeme", "LIPSTAGE" * 8, "my-secret" * 8]
)
@pytest.mark.parametrize("stage", ["production", "staging"])
def test_a_guessable_secret_is_refused(environment: pytest.MonkeyPatch, secret: str, stage: str) -> None:
    environment.setenv("LIPSTAGE_LINK_SECRET", secret)
    environment.setenv("LIPSTAGE_ENVIRONMENT", stage)

    with pytest.raises(ValidationError) as error:
        GatewaySettings()  # type: ignore[call-arg]

    assert "link_secret" in [wrong["loc"][0] for wrong in error.value.errors()]


def test_a_refused_secret_is_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LIPSTAGE_LINK_SECRET", "hunter2")

    with pytest.raises(ValidationError) as error:
        GatewaySettings()  # type: ignore[call-arg]

    assert "hunter2" not in str(error.value)


def test_a_secret_is_not_shown() -> None:
    assert GOOD not in repr(GatewaySettings())  # type: ignore[call-arg]


def test_without_a_secret_there_is_no_start(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("LIPSTAGE_LINK_SECRET")

    with pytest.raises(ValidationError, match="link_secret"):
        GatewaySettings()  # type: ignore[call-arg]


def test_in_development_any_secret_will_do(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LIPSTAGE_LINK_SECRET", "short")
    environment.setenv("LIPSTAGE_ENVIRONMENT", "development")

    assert GatewaySettings().link_secret.get_secret_value() == "short"  # type: ignore[call-arg]


def test_a_job_gets_a_variant_that_is_served(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LIPSTAGE_VARIANTS", '["15", "16"]')
    settings = GatewaySettings()  # type: ignore[call-arg]

    assert settings.served(DubParameters(steps=5)) == DubParameters(steps=5, variant="16")
    assert settings.served(DubParameters(variant="15")).variant == "15"
    with pytest.raises(InvalidParameter, match="Variant 1 is not served here; 15 and 16 can be asked for"):
        settings.served(DubParameters(variant="1"))
