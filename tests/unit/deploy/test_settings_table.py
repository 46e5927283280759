"""The table of the gateway's settings in the documentation is the code's."""

import re

import pytest
from deployment.gateway_settings import settings_from
from deployment.manifests import ROOT
from pydantic import ValidationError

from gateway.settings import GatewaySettings

REQUIRED = {
    "LIPSTAGE_PUBLIC_URL": "https://lipstage.example.com",
    "LIPSTAGE_LINK_SECRET": "0123456789abcdef0123456789abcdef",
    "LIPSTAGE_ROUTE_OWNER": "Acme",
    "LIPSTAGE_SUPPORT": "help@example.com",
}


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    assert sorted(_table()) == sorted(f"LIPSTAGE_{name.upper()}" for name in GatewaySettings.model_fields)


def test_the_defaults_are_those_that_the_table_tells() -> None:
    told = {name: default for name, default in _table().items() if default}

    assert settings_from(REQUIRED | told) == settings_from(REQUIRED)
    assert {name for name, default in _table().items() if not default} == {
        f"LIPSTAGE_{name.upper()}"
        for name, field in GatewaySettings.model_fields.items()
        if field.is_required() or field.default is None
    }


@pytest.mark.parametrize("missing", REQUIRED)
def test_there_is_no_start_without_what_only_the_operator_knows(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing.removeprefix("LIPSTAGE_").lower()):
        settings_from({name: value for name, value in REQUIRED.items() if name != missing})


def _table() -> dict[str, str]:
    """The default of each setting as it is written, empty where none is."""
    text = (ROOT / "docs" / "operations" / "run.md").read_text()
    _, _, section = text.partition("\n## The gateway\n")
    table, _, _ = section.partition("\n\nIt does not start")
    rows = re.findall(r"^\| `(LIPSTAGE_\w+)` \| (?:`(.+?)`)? ?\| .+ \|$", table, re.MULTILINE)
    return dict(rows)
