"""What `GET /policy` answers."""

import json

import pytest
from port_suites.submissions import NOON

from gateway.accounts import Account, Limits
from gateway.billing.plans import load_plans
from gateway.policy import Installation, policy
from gateway.policy_answers import Policy
from gateway.probe_limits import ProbeLimits
from services.common.media.probe import MAX_SIDE_PX
from services.common.settings import Settings

PLANS = load_plans()
INSTALLATION = Installation(
    owner="Example Studio",
    support="https://example.com/help",
    variants=("1", "16"),
    retention_s=7 * 24 * 3600,
    upload_retention_s=24 * 3600,
    leftovers_s=24 * 3600,
    consent_required=False,
    max_media_bytes=1 << 30,
    content_credentials=True,
    watermark=False,
)


def answers(settings: Settings | None = None, installation: Installation = INSTALLATION, **account: object) -> Policy:
    owner = {"id": "studio", "name": "Studio", "created_at": NOON, "webhook_secret": "c2VjcmV0"}
    return policy(
        settings or Settings(),
        ProbeLimits(),
        installation,
        PLANS["per-5-seconds"],
        Account.model_validate(owner | account),
    )


def test_each_of_the_six_checks_has_an_answer() -> None:
    assert {"consent", "retention", "rights", "input_limits", "billing", "support"} <= Policy.model_fields.keys()
    assert answers().support.path == "https://example.com/help"


def test_the_answers_are_those_of_the_callers_account() -> None:
    policy = answers(consent_required=True, retention_s=60, limits=Limits(max_media_bytes=1000))

    assert policy.consent.required
    assert {kept.what: kept.seconds for kept in policy.retention.items}["inputs"] == 60
    assert policy.input_limits.max_bytes == 1000


def test_consent_is_required_where_the_installation_or_the_account_says_so() -> None:
    strict = INSTALLATION.model_copy(update={"consent_required": True})

    assert [answers().consent.required, answers(installation=strict).consent.required] == [False, True]


def test_limits_are_those_that_are_enforced() -> None:
    limits = answers(Settings(max_audio_s=90.0)).input_limits

    assert (limits.max_audio_s, limits.max_side_px, limits.max_bytes) == (90.0, MAX_SIDE_PX, 1 << 30)
    assert limits.max_video_s == ProbeLimits().video_s
    assert {"mp4", "wav"} <= set(limits.containers)


@pytest.mark.parametrize("variant", ["15", "16"])
def test_released_weights_are_never_called_apache(variant: str) -> None:
    weights = answers(installation=INSTALLATION.model_copy(update={"variants": (variant,)})).rights.weights

    assert [kind.licence for kind in weights] == ["openrail++"]


def test_code_weights_media_and_output_are_answered_separately() -> None:
    rights = answers().rights

    assert rights.code.licence == "Apache-2.0"
    assert [(kind.variant, kind.licence) for kind in rights.weights] == [("1", "Apache-2.0"), ("16", "openrail++")]
    assert rights.media != rights.output


def test_prices_are_those_of_the_plan_and_failures_are_free() -> None:
    billing = answers().billing

    assert {example.seconds: example.amount for example in billing.examples}[30] == 900_000
    assert (billing.failed, billing.canceled, billing.retries) == ("free", "free", "free")


def test_marks_that_are_not_made_are_not_promised() -> None:
    assert (answers().provenance.content_credentials, answers().provenance.watermark) == (True, False)


def test_the_revision_changes_exactly_when_an_answer_does() -> None:
    assert answers().revision == answers().revision
    assert answers().revision != answers(retention_s=60).revision


def test_no_secret_is_told() -> None:
    assert "c2VjcmV0" not in json.dumps(answers().model_dump(mode="json"))
