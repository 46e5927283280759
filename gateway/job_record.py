"""`GET /jobs/{id}/record`: what a production run has to have written down about one job."""

from datetime import timedelta

from gateway.billing.entries import Charge, Credit
from gateway.job_views import State, state_of
from gateway.licences import WEIGHTS
from gateway.production_record import (
    Billed,
    Billing,
    ConsentBasis,
    Failure,
    Input,
    Marks,
    ModelUsed,
    ProductionRecord,
    Result,
    Retention,
    Route,
)
from gateway.submissions import Consent, StoredMedia, Submission
from services.common.messages import DubParameters, JobRecord, Provenance


def public_record(
    submission: Submission,
    record: JobRecord | None,
    charge: Charge | None,
    refund: Credit | None,
    *,
    owner: str,
    consent: Consent | None,
    output_uri: str | None,
) -> ProductionRecord:
    """`owner` runs the installation; `consent` is what the submission's consent id stands for."""
    state = state_of(submission, record)
    return ProductionRecord(
        job=submission.id,
        state=state,
        created_at=submission.created_at,
        queued_at=submission.queued_at,
        ended_at=submission.ended_at,
        route=Route(owner=owner, dialect=submission.dialect, account=submission.account, key=submission.key),
        model=_model(submission.request.parameters, record),
        video=_input(submission.video),
        audio=_input(submission.audio),
        consent=ConsentBasis(id=submission.consent, consent=consent),
        result=_result(submission, record, output_uri) if state == "completed" else None,
        failure=_failure(submission, record),
        billing=_billing(submission, state, charge, refund),
        retention=_retention(submission),
        metadata=submission.request.metadata,
    )


def _model(parameters: DubParameters, record: JobRecord | None) -> ModelUsed:
    weights = WEIGHTS[parameters.variant]
    return ModelUsed(
        variant=parameters.variant,
        name=weights.subject,
        licence=weights.licence,
        networks=record.networks if record else {},
        pipeline=record.pipeline if record else "",
        parameters=parameters,
    )


def _input(media: StoredMedia | None) -> Input | None:
    if media is None:
        return None
    return Input(
        source=media.source,
        sha256=media.sha256,
        bytes=media.bytes,
        duration_s=media.duration_s,
        stored_as=media.content.object_name,
    )


def _result(submission: Submission, record: JobRecord | None, uri: str | None) -> Result | None:
    if record is None or record.output is None:
        return None
    return Result(
        object_name=record.output, uri=None if submission.deleted_at else uri, marks=_marks(record.provenance)
    )


def _marks(provenance: Provenance | None) -> Marks | None:
    if provenance is None:
        return None
    return Marks(watermark=f"{provenance.watermark:016x}", consent_id=provenance.consent_id, label=provenance.label)


def _failure(submission: Submission, record: JobRecord | None) -> Failure:
    return Failure(
        error=submission.error or (record.error if record else None),
        restarts=max(0, record.epoch - 1) if record else 0,
        retries=record.retries if record else {},
    )


def _billing(submission: Submission, state: State, charge: Charge | None, refund: Credit | None) -> Billing:
    return Billing(
        owner=submission.account,
        plan=submission.price_plan.name,
        state=_billed(state, charge, refund),
        amount=charge.amount if charge else 0,
        refunded=refund.amount if refund else 0,
        seconds=charge.seconds if charge else None,
        ledger_entry=f"charges/{charge.key}" if charge else None,
        ledger_sha256=charge.sha256 if charge else None,
    )


def _billed(state: State, charge: Charge | None, refund: Credit | None) -> Billed:
    if charge:
        return "refunded" if refund else "charged"
    return "free" if state in ("failed", "canceled") else "not yet"


def _retention(submission: Submission) -> Retention:
    ended_at = submission.ended_at
    return Retention(
        seconds=submission.retention_s,
        due_at=ended_at + timedelta(seconds=submission.retention_s) if ended_at else None,
        deleted_at=submission.deleted_at,
        removed=submission.removed,
    )
