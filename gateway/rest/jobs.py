"""Jobs: create, look, watch, cancel, remove, and what is known of them."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sse_starlette import EventSourceResponse

from gateway.accounts import Caller
from gateway.asking import FrontOf, Reader, Writer
from gateway.billing.estimates import Estimate
from gateway.front import Front
from gateway.job_filter import JobFilter
from gateway.job_views import JobView, State
from gateway.jobs import PAGE
from gateway.known import estimated, recorded
from gateway.problem import Problem, problem_of
from gateway.production_record import ProductionRecord
from gateway.rest.examples import EXAMPLES
from gateway.submissions import Dialect, JobRequest
from services.common.errors import InvalidParameter, LipstageError
from services.common.messages import JobEvent, Stage

router = APIRouter(tags=["jobs"])

IdempotencyKey = Annotated[str | None, Header(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]
ConsentId = Annotated[str | None, Header(alias="X-Consent-Id", max_length=64)]
AskedJob = Annotated[JobRequest, Body(openapi_examples=EXAMPLES)]


def _written_out(moment: str) -> str:
    if "T" not in moment.upper():  # the framework would take numbers for seconds since 1970
        raise ValueError("a moment is written as in RFC 3339")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Note = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}=", max_length=565)]
"""`KEY=VALUE`, as a job's metadata has it."""
MAX_BATCH = 500


class JobPage(BaseModel):
    jobs: list[JobView]
    next_cursor: str | None
    """Ask with it as `cursor` for the page after; null on the last one."""


class BatchLine(BaseModel):
    """What became of one line of a batch."""

    model_config = ConfigDict(frozen=True)

    line: int
    job: JobView | None = None
    error: Problem | None = None


class Progress(BaseModel):
    stage: Stage
    part: int
    done: float
    parts: int | None


@router.post("/jobs", status_code=201)
async def create(
    request: AskedJob,
    response: Response,
    front: FrontOf,
    caller: Writer,
    idempotency_key: IdempotencyKey = None,
    consent_id: ConsentId = None,
) -> JobView:
    """Takes a job and answers before it has run."""
    front.rates.count_create(caller.account)
    view = await front.jobs.create(caller, _with_consent(request, consent_id), idempotency_key=idempotency_key)
    response.headers["Location"] = f"/v1alpha/jobs/{view.id}"
    return view


@router.get("/jobs")
async def page(
    front: FrontOf,
    caller: Reader,
    states: Annotated[list[State] | None, Query()] = None,
    created_after: Annotated[Moment | None, Query(examples=["2026-11-01T00:00:00Z"])] = None,
    created_before: Annotated[Moment | None, Query(examples=["2026-12-01T00:00:00Z"])] = None,
    dialects: Annotated[list[Dialect] | None, Query()] = None,
    metadata: Annotated[list[Note] | None, Query(examples=[["episode=7"]])] = None,
    cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> JobPage:
    """The caller's jobs, the newest first: those created from the one moment on and before the other, and noted so."""
    notes = dict(note.split("=", 1) for note in metadata or ())
    only = JobFilter(created_after, created_before, dialects or (), notes)
    found = await front.jobs.list(caller, states or (), cursor, limit, only)
    return JobPage(jobs=list(found.jobs), next_cursor=found.next_cursor)


@router.get("/jobs/{job_id}", response_model=JobView, responses={304: {"description": "The job is as it was."}})
async def look(
    job_id: str,
    response: Response,
    front: FrontOf,
    caller: Reader,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Any:
    view = await front.jobs.get(caller, job_id)
    body = view.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if if_none_match == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag, "Cache-Control": "private, no-cache"})


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def watch(job_id: str, front: FrontOf, caller: Reader) -> EventSourceResponse:
    """Server-sent events: `job` first and last, `progress` between."""
    updates = front.jobs.watch(caller, job_id)
    first = await anext(updates)  # so that an error is an answer, not the end of a stream

    async def events() -> AsyncIterator[dict[str, str]]:
        yield _event(first)
        async for update in updates:
            yield _event(update)

    return EventSourceResponse(events(), ping=15)


@router.post("/jobs/{job_id}/cancel")
async def cancel(job_id: str, front: FrontOf, caller: Writer) -> JobView:
    """Ends a running job. One that has ended already stays as it is."""
    return await front.jobs.cancel(caller, job_id)


@router.delete("/jobs/{job_id}", status_code=204)
async def remove(job_id: str, front: FrontOf, caller: Writer) -> None:
    """Removes the media and the result of an ended job."""
    await front.jobs.delete(caller, job_id)


@router.get("/jobs/{job_id}/report")
async def report(job_id: str, front: FrontOf, caller: Reader) -> Response:
    """What was done to each frame, and the measures of quality."""
    return Response(await front.jobs.report(caller, job_id), media_type="application/json")


@router.get("/jobs/{job_id}/record")
async def record(job_id: str, front: FrontOf, caller: Reader) -> ProductionRecord:
    """What a production run has to have written down about the job."""
    return await recorded(front, caller, job_id)


@router.post("/estimate")
async def estimate(request: AskedJob, front: FrontOf, caller: Reader) -> Estimate:
    """What the job would cost and take, as far as that is known."""
    return await estimated(front, caller, request)


@router.post(
    "/batches",
    status_code=200,
    openapi_extra={"requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def batch(
    request: Request,
    front: FrontOf,
    caller: Writer,
    idempotency_key: IdempotencyKey = None,
    consent_id: ConsentId = None,
) -> list[BatchLine]:
    """Takes one job a line. A line that is wrong does not keep the others from being taken."""
    lines = (await request.body()).split(b"\n", MAX_BATCH)  # no more pieces than show that there are too many
    if not lines[-1]:
        lines.pop()
    if not 1 <= len(lines) <= MAX_BATCH:
        raise InvalidParameter(f"A batch holds 1 to {MAX_BATCH} jobs, one a line.")
    return [
        await _taken(
            front, caller, line, number, f"{idempotency_key}.{number}" if idempotency_key else None, consent_id
        )
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


async def _taken(
    front: Front, caller: Caller, line: bytes, number: int, key: str | None, consent_id: str | None
) -> BatchLine:
    try:
        front.rates.count_create(caller.account)
        request = _with_consent(JobRequest.model_validate_json(line), consent_id)
        view = await front.jobs.create(caller, request, idempotency_key=key)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        return BatchLine(line=number, error=problem_of(InvalidParameter(wrong)))
    except LipstageError as error:
        return BatchLine(line=number, error=problem_of(error))
    return BatchLine(line=number, job=view)


def _with_consent(request: JobRequest, consent_id: str | None) -> JobRequest:
    """What the body says of consent goes before the header."""
    if consent_id is None or request.consent or request.consent_id:
        return request
    return request.model_copy(update={"consent_id": consent_id})


def _event(update: JobView | JobEvent) -> dict[str, str]:
    if isinstance(update, JobView):
        return {"event": "job", "data": update.model_dump_json()}
    assert update.stage is not None, "ends are told as jobs"
    progress = Progress(stage=update.stage, part=update.part, done=update.done, parts=update.parts)
    return {"event": "progress", "data": progress.model_dump_json()}
