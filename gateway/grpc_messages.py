"""Between the messages of service.proto and what the gateway calls the same things."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, get_args

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from gateway import results, uploads
from gateway.billing.estimates import Estimate
from gateway.job_filter import JobFilter
from gateway.job_views import JobView, State
from gateway.submissions import Dialect, JobRequest, Moment
from lipstage.v1 import events_pb2, jobs_pb2, service_pb2
from services.common.errors import InvalidParameter
from services.common.messages import JobEvent, Priority
from services.common.wire import values_in, written

_STATES: Final[Mapping[State, "jobs_pb2.JobState.ValueType"]] = {
    state: jobs_pb2.JobState.Value(f"JOB_STATE_{state.upper()}") for state in get_args(State)
}
_NAMES: Final[Mapping["jobs_pb2.JobState.ValueType", State]] = {number: state for state, number in _STATES.items()}
_PRIORITIES: Final[Mapping["jobs_pb2.Priority.ValueType", Priority]] = {
    jobs_pb2.Priority.Value(f"PRIORITY_{priority.upper()}"): priority for priority in get_args(Priority)
}
_MOMENTS: Final[Mapping["service_pb2.WebhookEvent.ValueType", Moment]] = {
    service_pb2.WebhookEvent.Value(f"WEBHOOK_EVENT_{moment.upper()}"): moment for moment in get_args(Moment)
}
_PREFIXES: Final = {"upload_id": uploads.PREFIX, "job_id": results.PREFIX}
_DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
_UNIT_NANOS: Final = 1e9


def job_request(message: service_pb2.CreateJobRequest) -> JobRequest:
    """Raises InvalidParameter."""
    present = {field.name for field, _ in message.ListFields()}
    asked: dict[str, Any] = {
        "video": _source(message.video, "video"),
        "audio": _source(message.audio, "audio"),
        "parameters": values_in(message.parameters),
        "metadata": dict(message.metadata),
    }
    if message.priority:
        # An unknown number is left for the request to refuse.
        asked["priority"] = _PRIORITIES.get(message.priority, message.priority)
    if "consent" in present:
        asked["consent"] = _consent(message.consent)
    if "retention" in present:
        asked["retention_s"] = math.ceil(_seconds(message.retention))
    for name in ("start_within", "cancel_after"):
        if name in present:
            asked[f"{name}_s"] = _seconds(getattr(message, name))
    if "webhook" in present:
        asked["webhook"] = _webhook(message.webhook)
    asked |= {name: getattr(message, name) for name in ("consent_id", "label") if name in present}
    return _checked(asked)


def estimate_request(message: service_pb2.EstimateJobRequest) -> JobRequest:
    """Raises InvalidParameter."""
    return job_request(
        service_pb2.CreateJobRequest(video=message.video, audio=message.audio, parameters=message.parameters)
    )


def states_in(message: service_pb2.ListJobsRequest) -> tuple[State, ...]:
    """Raises InvalidParameter."""
    try:
        return tuple(_NAMES[state] for state in message.states)
    except KeyError as unknown:
        raise InvalidParameter(f"There is no job state {unknown}.") from unknown


def filter_in(message: service_pb2.ListJobsRequest) -> JobFilter:
    """Raises InvalidParameter."""
    if unknown := set(message.dialects) - set(_DIALECTS):
        raise InvalidParameter(f"There is no dialect {min(unknown)}.")
    return JobFilter(
        created_after=_moment(message.created_after) if message.HasField("created_after") else None,
        created_before=_moment(message.created_before) if message.HasField("created_before") else None,
        dialects=[dialect for dialect in _DIALECTS if dialect in message.dialects],
        metadata=dict(message.metadata),
    )


def job_message(view: JobView) -> service_pb2.Job:
    output, charge = view.output, view.charge
    return service_pb2.Job(
        id=view.id,
        state=_STATES[view.state],
        error=jobs_pb2.JobError(code=view.error.code, message=view.error.message) if view.error else None,
        parameters=jobs_pb2.DubParameters(**written(view.parameters, jobs_pb2.DubParameters.DESCRIPTOR)),
        priority=jobs_pb2.Priority.Value(f"PRIORITY_{view.priority.upper()}"),
        progress=[
            service_pb2.StageProgress(
                stage=jobs_pb2.Stage.Value(f"STAGE_{stage.stage.upper()}"), done=stage.done, parts=stage.parts
            )
            for stage in view.progress
        ],
        output_url=output.url if output else None,
        report_url=view.report_url,
        timings_s=view.timings_s,
        outcomes=view.outcomes,
        metadata=view.metadata,
        create_time=_timestamp(view.created_at),
        start_time=_timestamp(view.started_at),
        end_time=_timestamp(view.ended_at),
        output_expire_time=_timestamp(output.expires_at) if output else None,
        output_content_type=output.content_type if output else None,
        output_filename=output.filename if output else None,
        charge=service_pb2.Charge(**charge.model_dump()) if charge else None,
        consent_id=view.consent_id,
        delete_time=_timestamp(view.deleted_at),
    )


def update_message(update: JobView | JobEvent) -> service_pb2.WatchJobResponse:
    if isinstance(update, JobView):
        return service_pb2.WatchJobResponse(job=job_message(update))
    event = events_pb2.JobEvent(**written(update, events_pb2.JobEvent.DESCRIPTOR))
    return service_pb2.WatchJobResponse(event=event)


def estimate_message(estimate: Estimate) -> service_pb2.EstimateJobResponse:
    return service_pb2.EstimateJobResponse(
        plan=estimate.plan,
        voice_s=estimate.voice_s,
        output_s=estimate.output_s,
        amount_micros_usd=estimate.amount,
        processing_s=estimate.processing_s,
        queue_wait_s=estimate.queue_wait_s,
        measured_jobs=estimate.measured_jobs,
    )


def _source(message: service_pb2.MediaSource, name: str) -> str:
    given = message.WhichOneof("source")
    if given is None:
        raise InvalidParameter(f"{name} is missing: give an upload, a job, an address or a data URI.")
    source: str = getattr(message, given)
    return f"{_PREFIXES.get(given, '')}{source}"


def _webhook(message: service_pb2.Webhook) -> dict[str, Any]:
    """An unknown number is left for the request to refuse."""
    told: dict[str, Any] = {"url": message.url}
    if message.events:
        told["events"] = tuple(_MOMENTS.get(event, event) for event in message.events)
    return told


def _consent(message: service_pb2.Consent) -> dict[str, Any]:
    consent = {name: getattr(message, name) for name in ("attested_by", "basis", "scope")}
    if message.HasField("expire_time"):
        consent["expires_at"] = _moment(message.expire_time)
    if message.HasField("evidence_sha256"):
        consent["evidence_sha256"] = message.evidence_sha256
    return consent


def _checked(asked: dict[str, Any]) -> JobRequest:
    try:
        return JobRequest.model_validate(asked)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        raise InvalidParameter(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from refusal


def _moment(timestamp: Timestamp) -> datetime:
    """Raises InvalidParameter."""
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidParameter("A moment lies outside of the years 1 to 9999.") from None


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / _UNIT_NANOS


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
