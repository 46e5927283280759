"""A job as its caller sees it."""

from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.billing.entries import Charge
from gateway.billing.money import dollars
from gateway.links import Links
from gateway.submissions import Dialect, Submission
from services.common import object_names
from services.common.messages import DubParameters, JobError, JobRecord, Priority, Stage

State = Literal["created", "processing", "completed", "failed", "canceled"]
MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".mkv": "video/x-matroska", ".webm": "video/webm"}
LINK_S = 24 * 3600.0
"""How long a link to a result is good; the newest view of a job always has a fresh one."""


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageProgress(View):
    stage: Stage
    done: float
    """0 to 1."""
    parts: int | None = None
    """Chunks (denoise) or segments (composite); None while that is not known yet."""


class Output(View):
    url: str
    """Signed: it needs no key, and expires."""
    expires_at: datetime
    content_type: str
    filename: str


class Input(View):
    video_url: str
    """Signed, as the result's: to compare with it."""


class ChargeView(View):
    amount_usd: str
    seconds: float
    plan: str


class JobView(View):
    id: str
    state: State
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: JobError | None = None
    parameters: DubParameters
    priority: Priority
    progress: tuple[StageProgress, ...]
    input: Input | None = None
    """Once it is stored, until it is removed."""
    output: Output | None = None
    report_url: str | None = None
    timings_s: dict[str, float] = {}
    outcomes: dict[str, int] = {}
    metadata: dict[str, str] = {}
    charge: ChargeView | None = None
    dialect: Dialect = "native"
    consent_id: str | None = None
    deleted_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed", "canceled")


def job_view(
    submission: Submission, record: JobRecord | None, charge: Charge | None, links: Links, now: datetime
) -> JobView:
    state = state_of(submission, record)
    there = record is not None and state == "completed" and submission.deleted_at is None
    return JobView(
        id=submission.id,
        state=state,
        created_at=submission.created_at,
        started_at=submission.queued_at,
        ended_at=submission.ended_at,
        error=submission.error or (record.error if record else None),
        parameters=submission.request.parameters,
        priority=submission.request.priority,
        progress=_progress(record),
        input=_input(submission, links),
        output=_output(record, links, now) if record and there else None,
        report_url=links.link(object_names.report(record), LINK_S) if record and there else None,
        timings_s=record.timings_s if record else {},
        outcomes=record.outcomes if record else {},
        metadata=submission.request.metadata,
        charge=_charge(charge) if charge else None,
        dialect=submission.dialect,
        consent_id=submission.consent,
        deleted_at=submission.deleted_at,
    )


def state_of(submission: Submission, record: JobRecord | None) -> State:
    if submission.error:
        return "failed"
    if record is not None and (record.ended or not submission.canceled):
        return record.state
    return "canceled" if submission.canceled else "created"


def _progress(record: JobRecord | None) -> tuple[StageProgress, ...]:
    if record is None:
        return ()
    known = record.preprocessed
    segments = len(record.segments)
    encoded = sum(segment.status == "done" for segment in record.segments.values())
    return (
        StageProgress(stage="preprocess", done=float(known)),
        StageProgress(
            stage="denoise",
            done=len(record.chunks_done) / record.chunks if known and record.chunks else float(known),
            parts=record.chunks if known else None,
        ),
        StageProgress(
            stage="composite", done=encoded / segments if known and segments else 0.0, parts=segments if known else None
        ),
    )


def _input(submission: Submission, links: Links) -> Input | None:
    if submission.video is None or submission.deleted_at:
        return None
    return Input(video_url=links.link(submission.video.content.object_name, LINK_S))


def _output(record: JobRecord, links: Links, now: datetime) -> Output:
    name = object_names.output(record)
    suffix = PurePosixPath(name).suffix
    filename = f"{record.id}{suffix}"
    return Output(
        url=links.link(name, LINK_S, filename),
        expires_at=now + timedelta(seconds=LINK_S),
        content_type=MEDIA_TYPES[suffix],
        filename=filename,
    )


def _charge(charge: Charge) -> ChargeView:
    return ChargeView(amount_usd=dollars(charge.amount), seconds=charge.seconds, plan=charge.plan.name)
