"""Between the messages of service.proto and what the gateway calls the same things."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, get_args

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from gateway.billing.estimates import Estimate
from gateway.job_views import JobView, State
from gateway.submissions import JobRequest
from gateway.uploads import PREFIX
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
        asked["retention_s"] = math.ceil(message.retention.seconds + message.retention.nanos / _UNIT_NANOS)
    if "webhook" in present:
        asked["webhook"] = {"url": message.webhook.url}
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
        raise InvalidParameter(f"{name} is missing: give an upload, an address or a data URI.")
    source: str = getattr(message, given)
    return f"{PREFIX}{source}" if given == "upload_id" else source


def _consent(message: service_pb2.Consent) -> dict[str, Any]:
    consent = {name: getattr(message, name) for name in ("attested_by", "basis", "scope")}
    if message.HasField("expire_time"):
        consent["expires_at"] = message.expire_time.ToDatetime(UTC)
    if message.HasField("evidence_sha256"):
        consent["evidence_sha256"] = message.evidence_sha256
    return consent


def _checked(asked: dict[str, Any]) -> JobRequest:
    try:
        return JobRequest.model_validate(asked)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        raise InvalidParameter(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from refusal


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
