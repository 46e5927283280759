"""What a production run has to have written down, in one document."""

from datetime import timedelta

import pytest
from port_suites.job_records import job_record
from port_suites.submissions import NOON, submission

from gateway.billing.entries import Charge, Credit, sealed
from gateway.billing.plans import load_plans
from gateway.job_record import public_record
from gateway.production_record import ProductionRecord
from gateway.submissions import Consent, JobRequest, Submission
from services.common.messages import DubParameters, JobError, JobRecord, Provenance

CONSENT = Consent(attested_by="Ada", basis="contract", scope="one film")
DONE = job_record(
    state="completed",
    output="out/job/c.mp4",
    networks={"unet": "ef" * 32},
    pipeline="2",
    epoch=3,
    parameters=DubParameters(variant="16"),
    retries={"unavailable": 2},
)
CHARGE = sealed(
    Charge(
        account="studio",
        job="job",
        plan=load_plans()["per-5-seconds"],
        microseconds=10_000_000,
        amount=300_000,
        at=NOON,
    )
)
REFUND = Credit(account="studio", id="refund-job", job="job", amount=300_000, reason="no sound", by="operator", at=NOON)


def told(
    submitted: Submission,
    record: JobRecord | None = None,
    charge: Charge | None = None,
    refund: Credit | None = None,
    consent: Consent | None = None,
) -> ProductionRecord:
    uri = "https://example.com/out/job/c.mp4"
    return public_record(submitted, record, charge, refund, owner="Example Studio", consent=consent, output_uri=uri)


def test_the_watermark_is_told_as_a_verifier_reads_it() -> None:
    marked = DONE.model_copy(update={"provenance": Provenance(watermark=0x0192F0C1, job_id="job", consent_id="c1")})

    result = told(submission(ended_at=NOON), marked).result

    assert result
    assert result.marks
    assert result.marks.watermark == "000000000192f0c1"


def test_a_completed_job_tells_everything_a_production_run_must_log() -> None:
    request = JobRequest(video="upload:one", audio="upload:two", parameters=DubParameters(variant="16"))
    ended = submission(request=request, consent="c1", ended_at=NOON, dialect="fal")

    record = told(ended, DONE, CHARGE, consent=CONSENT)

    assert (record.state, record.route.owner, record.route.dialect) == ("completed", "Example Studio", "fal")
    assert (record.model.name, record.model.licence, record.model.networks) == (
        "LatentSync 1.6",
        "openrail++",
        {"unet": "ef" * 32},
    )
    assert record.video is not None
    assert (record.video.source, record.video.sha256) == ("upload:one", "ab" * 32)
    assert record.video.stored_as == f"media/{'ab' * 32}.mp4"
    assert (record.consent.id, record.consent.consent) == ("c1", CONSENT)
    assert record.result is not None
    assert record.result.uri == "https://example.com/out/job/c.mp4"
    assert (record.billing.owner, record.billing.state, record.billing.amount) == ("studio", "charged", 300_000)
    assert record.billing.ledger_sha256 == CHARGE.sha256
    assert (record.failure.restarts, record.failure.retries) == (2, {"unavailable": 2})
    assert record.retention.due_at == NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("submitted", "record", "state", "billed"),
    [
        (submission(video=None, audio=None), None, "created", "not yet"),
        (submission(queued_at=NOON), job_record(), "processing", "not yet"),
        (submission(), DONE, "completed", "not yet"),
        (submission(), job_record(state="canceled"), "canceled", "free"),
        (submission(), job_record(state="failed"), "failed", "free"),
    ],
)
def test_whatever_has_not_happened_yet_is_left_open(
    submitted: Submission, record: JobRecord | None, state: str, billed: str
) -> None:
    document = told(submitted, record)

    assert (document.state, document.billing.state, document.billing.amount) == (state, billed, 0)
    assert document.retention.due_at is None


def test_a_refund_shows_beside_its_charge() -> None:
    billing = told(submission(), DONE, CHARGE, REFUND).billing

    assert (billing.state, billing.amount, billing.refunded) == ("refunded", 300_000, 300_000)


@pytest.mark.parametrize("in_pipeline", [True, False])
def test_the_reason_of_a_failure_is_told_wherever_it_happened(in_pipeline: bool) -> None:
    error = JobError(code="no_face", message="No face.")

    record = job_record(state="failed", error=error) if in_pipeline else None
    document = told(submission(error=None if in_pipeline else error), record)

    assert (document.state, document.failure.error, document.result) == ("failed", error, None)


def test_deletion_is_proved_and_leaves_no_link() -> None:
    removed = ("out/job/c.mp4", f"media/{'ab' * 32}.mp4")

    document = told(submission(ended_at=NOON, deleted_at=NOON, removed=removed), DONE, CHARGE)

    assert document.result is not None
    assert document.result.uri is None
    assert (document.retention.deleted_at, document.retention.removed) == (NOON, removed)
    assert document.video is not None
    assert document.video.sha256 == "ab" * 32
