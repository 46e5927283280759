"""Jobs as callers meet them, whatever they speak: every front door and every dialect asks here."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.accounts import Caller
from gateway.billing.ledger import Ledger
from gateway.billing.plans import Plans, plan_named
from gateway.clock import Clock
from gateway.consents import Consents
from gateway.documents import Collection, Documents
from gateway.ending import Ending
from gateway.following import Following
from gateway.ids import new_id
from gateway.job_filter import EVERY_JOB, JobFilter
from gateway.job_views import JobView, State, job_view
from gateway.links import Links
from gateway.removal import Removal
from gateway.repetitions import Repetitions
from gateway.settings import GatewaySettings
from gateway.sources import Sources
from gateway.submissions import Dialect, JobRequest, OpenJob, Submission
from services.common import object_names
from services.common.errors import (
    ConsentRequired,
    InvalidParameter,
    JobNotEnded,
    JobNotFound,
    MessageUnreadable,
    ObjectMissing,
)
from services.common.messages import JobEvent, JobRecord
from services.common.ports import Bus, JobStore, MediaStore
from services.common.progress import find

log = logging.getLogger(__name__)

PAGE = 50
"""Jobs a page holds unless fewer are asked for."""
_SETTLED_S, _LOOK_S = 3.0, 0.05


@dataclass(frozen=True)
class Page:
    jobs: Sequence[JobView]
    next_cursor: str | None


class Jobs:
    """Every method raises JobNotFound for a job of another account, and may raise Unavailable."""

    def __init__(
        self,
        documents: Documents,
        bus: Bus,
        jobs: JobStore,
        media: MediaStore,
        links: Links,
        sources: Sources,
        ending: Ending,
        following: Following,
        settings: GatewaySettings,
        plans: Plans,
        clock: Clock,
    ) -> None:
        self._submissions = Collection(documents, "submissions", Submission)
        self._open = Collection(documents, "open", OpenJob)
        self._repetitions = Repetitions(documents)
        self._consents = Consents(documents, clock)
        self._ledger, self._removal = Ledger(documents), Removal(documents, media, clock)
        self._bus, self._jobs, self._media, self._links = bus, jobs, media, links
        self._sources, self._ending, self._following = sources, ending, following
        self._settings, self._plans, self._clock = settings, plans, clock

    async def create(
        self,
        caller: Caller,
        request: JobRequest,
        *,
        idempotency_key: str | None = None,
        dialect: Dialect = "native",
        echo: dict[str, Any] | None = None,
    ) -> JobView:
        """Answers before the job has run, or with the job that the same request began before.

        Raises IdempotencyConflict, ConsentRequired, ConsentInvalid, InvalidParameter for a variant that is not served,
        and what is wrong with a data URI.
        """
        account, now = caller.account, self._clock()
        job = new_id(now)
        if idempotency_key:
            # Without defaults: a field that a later version adds does not make another request of the same one.
            asked = request.model_dump_json(exclude_defaults=True).encode()
            job = await self._repetitions.first(account.id, idempotency_key, asked, job)
            if (there := await self._submissions.find(f"{account.id}/{job}")) is not None:
                return await self._view(there)
        parameters = self._settings.served(request.parameters)
        consent = await self._consent(caller, request)
        at_most = min(account.limits.max_media_bytes, self._settings.max_media_bytes)
        request = request.model_copy(
            update={
                "video": await self._sources.kept(account.id, job, request.video, "video", at_most),
                "audio": await self._sources.kept(account.id, job, request.audio, "audio", at_most),
                "parameters": parameters,
                "consent": None,
                "consent_id": consent,
            }
        )
        submission = Submission(
            id=job,
            account=account.id,
            key=caller.key.id,
            dialect=dialect,
            created_at=now,
            request=request,
            echo=echo or {},
            price_plan=plan_named(self._plans, account.price_plan),
            consent=consent,
            retention_s=self._retention_s(caller, request),
        )
        await self._open.create_once(job, OpenJob(account=account.id, id=job))
        submission = await self._submissions.create_once(f"{account.id}/{job}", submission)
        self._following.follow(account.id, job)
        return job_view(submission, None, None, self._links, now)

    async def get(self, caller: Caller, job: str) -> JobView:
        return await self._view(await self._submission(caller, job))

    async def submission(self, caller: Caller, job: str) -> tuple[Submission, JobView]:
        """For dialects that give the caller's own words back."""
        submission = await self._submission(caller, job)
        return submission, await self._view(submission)

    async def list(
        self,
        caller: Caller,
        states: Sequence[State] = (),
        cursor: str | None = None,
        limit: int = PAGE,
        only: JobFilter = EVERY_JOB,
    ) -> Page:
        """The newest first. `cursor` is the `next_cursor` of the page before.

        Leaves out, with a line in the log, what cannot be read.
        """
        found: list[JobView] = []
        folder = f"{caller.account.id}/"
        jobs = [key.removeprefix(folder) for key in await self._submissions.keys(folder)]
        for job in reversed([job for job in jobs if (cursor is None or job < cursor) and only.in_time(job)]):
            try:
                submission = await self._submissions.find(folder + job)
                if submission is None or not only.takes(submission):
                    continue
                view = await self._view(submission)
            except MessageUnreadable as error:
                log.error("job %s is left out of a list: %s", job, error)
                continue
            if states and view.state not in states:
                continue
            if len(found) == limit:
                return Page(found, found[-1].id)
            found.append(view)
        return Page(found, None)

    async def watch(self, caller: Caller, job: str) -> AsyncGenerator[JobView | JobEvent]:
        """The job as it is, then its progress, and last the job as it ended."""
        submission = await self._submission(caller, job)
        async with self._bus.events(job) as events:
            view = await self._view(submission)
            yield view
            if not view.ended:
                async for event in events:
                    if event.stage is not None:
                        yield event
                yield await self._settled(caller, job)

    async def wait(self, caller: Caller, job: str, at_most_s: float) -> JobView:
        """The job once it has ended, or as it is after this long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                async for update in self.watch(caller, job):
                    if isinstance(update, JobView) and update.ended:
                        return update
        return await self.get(caller, job)

    async def cancel(self, caller: Caller, job: str) -> JobView:
        """Ends a running job; one that has ended stays as it is."""
        if not (await self.get(caller, job)).ended:
            await self._ending.cancel(caller.account.id, job)
            self._following.follow(caller.account.id, job)
        return await self.get(caller, job)

    async def delete(self, caller: Caller, job: str) -> None:
        """Removes the media and the result of a job that has ended. What was charged, and for what, is kept."""
        view = await self.get(caller, job)
        if not view.ended:
            raise JobNotEnded("The job is still running; cancel it first.", job_id=job)
        await self._removal.remove(caller.account.id, job)

    async def report(self, caller: Caller, job: str) -> bytes:
        """The quality report, JSON. Raises JobNotEnded or ObjectMissing."""
        view, record = await self.get(caller, job), await find(self._jobs, job)
        if view.deleted_at:
            raise ObjectMissing(f"The result of job {job} was removed.", job_id=job)
        if view.state != "completed" or record is None:
            raise JobNotEnded(f"The job is {view.state}; only a completed one has a report.", job_id=job)
        return await self._media.get(object_names.report(record))

    async def _settled(self, caller: Caller, job: str) -> JobView:
        """The job with what its end brought with it, or as it is if that takes long."""
        give_up_s = time.monotonic() + _SETTLED_S
        while True:
            submission = await self._submission(caller, job)
            if submission.ended_at or time.monotonic() > give_up_s:
                return await self._view(submission)
            await asyncio.sleep(_LOOK_S)

    async def all_of(self, caller: Caller, job: str) -> tuple[Submission, JobRecord | None]:
        """Everything that is known of the job."""
        return await self._submission(caller, job), await find(self._jobs, job)

    async def _submission(self, caller: Caller, job: str) -> Submission:
        if not job.isalnum():
            raise JobNotFound("There is no such job.", job_id=job)
        try:
            return await self._submissions.get(f"{caller.account.id}/{job}")
        except ObjectMissing:
            raise JobNotFound(f"There is no job {job}.", job_id=job) from None

    async def _view(self, submission: Submission) -> JobView:
        record = await find(self._jobs, submission.id) if submission.queued_at or not submission.error else None
        charge = await self._ledger.charge_of(submission.account, submission.id) if submission.ended_at else None
        return job_view(submission, record, charge, self._links, self._clock())

    async def _consent(self, caller: Caller, request: JobRequest) -> str | None:
        account, now = caller.account, self._clock()
        if request.consent and request.consent_id:
            raise InvalidParameter("Give either consent or consent_id.")
        if request.consent:
            return await self._consents.record(caller, request.consent)
        if consent := request.consent_id or account.default_consent:
            await self._consents.check(account.id, consent, now)
            return consent
        if account.consent_required or self._settings.consent_required:
            raise ConsentRequired("This account's jobs need a consent: send consent, consent_id or X-Consent-Id.")
        return None

    def _retention_s(self, caller: Caller, request: JobRequest) -> int:
        asked = (request.retention_s, caller.account.retention_s, self._settings.default_retention_s)
        return next(seconds for seconds in asked if seconds is not None)
