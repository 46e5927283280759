"""Jobs that end when a test says so, in place of the service that runs them."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from port_suites.submissions import NOON, submission

from gateway.accounts import Caller
from gateway.job_filter import EVERY_JOB, JobFilter
from gateway.job_views import JobView, Output, StageProgress, State, job_view
from gateway.jobs import Page
from gateway.links import OwnLinks
from gateway.submissions import Dialect, JobRequest, Submission
from services.common.errors import IdempotencyConflict, JobNotEnded, JobNotFound
from services.common.messages import JobError, JobEvent

ENDED = NOON + timedelta(seconds=9)


class FakeJobs:
    def __init__(self, links: OwnLinks) -> None:
        self._links = links
        self.begin_anew()

    def begin_anew(self) -> None:
        self.jobs: dict[str, tuple[Submission, JobView]] = {}
        self.keys: dict[str, str] = {}
        self.waited_s: list[float] = []
        self.moves_to: State | None = None
        """While it is waited for."""

    @property
    def asked(self) -> JobRequest:
        """By the newest job."""
        return next(reversed(self.jobs.values()))[0].request

    async def create(
        self,
        caller: Caller,
        request: JobRequest,
        *,
        idempotency_key: str | None = None,
        dialect: Dialect = "native",
        echo: dict[str, Any] | None = None,
    ) -> JobView:
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        if idempotency_key and self.keys.setdefault(idempotency_key, digest) != digest:
            raise IdempotencyConflict("This idempotency key was used for another request.")
        job, key = f"{len(self.jobs):032x}", caller.key.id
        begun = submission(job, key=key, request=request, dialect=dialect, echo=echo or {})
        view = job_view(begun, None, None, self._links, NOON)
        self.jobs[begun.id] = begun, view
        return view

    def move(self, job: str, state: State, error: JobError | None = None, denoised: float = 0.0) -> JobView:
        begun, view = self.jobs[job]
        ended = state in ("completed", "failed", "canceled")
        name, address = f"{job}.mp4", self._links.link(f"out/{job}/one.mp4", 3600, f"{job}.mp4")
        output = Output(url=address, expires_at=ENDED, content_type="video/mp4", filename=name)
        changes = {
            "state": state,
            "error": error,
            "started_at": NOON + timedelta(seconds=4),
            "ended_at": ENDED if ended else None,
            "output": output if state == "completed" else None,
            "progress": (StageProgress(stage="denoise", done=denoised, parts=4),),
        }
        self.jobs[job] = begun, view.model_copy(update=changes)
        return self.jobs[job][1]

    async def submission(self, caller: Caller, job: str) -> tuple[Submission, JobView]:
        if job not in self.jobs:
            raise JobNotFound(f"There is no job {job}.")
        return self.jobs[job]

    async def get(self, caller: Caller, job: str) -> JobView:
        return (await self.submission(caller, job))[1]

    async def wait(self, caller: Caller, job: str, at_most_s: float) -> JobView:
        self.waited_s.append(at_most_s)
        if self.moves_to:
            return self.move(job, self.moves_to)
        return await self.get(caller, job)

    async def watch(self, caller: Caller, job: str) -> AsyncIterator[JobView | JobEvent]:
        """Moves a new job to its end."""
        yield await self.get(caller, job)
        if self.jobs[job][1].ended:
            return
        for done in (0.5, 1.0):
            self.move(job, "processing", denoised=done)
            yield JobEvent(job_id=job, state="processing", stage="denoise", done=done)
        yield self.move(job, "completed", denoised=1.0)

    async def cancel(self, caller: Caller, job: str) -> JobView:
        view = await self.get(caller, job)
        return view if view.ended else self.move(job, "canceled")

    async def delete(self, caller: Caller, job: str) -> None:
        if not (await self.get(caller, job)).ended:
            raise JobNotEnded("The job is still running; cancel it first.")

    async def list(
        self,
        caller: Caller,
        states: Sequence[State] = (),
        cursor: str | None = None,
        limit: int = 50,
        only: JobFilter = EVERY_JOB,
    ) -> Page:
        begun = [view for job, view in reversed(self.jobs.values()) if only.takes(job)]
        views = [view for view in begun if not states or view.state in states]
        return Page(views[:limit], None)
