"""A submitted job's way to the stages: its turn is waited for, its media are taken in, its record is created."""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta

from gateway.accounts import Account
from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ending import Ending
from gateway.intake_leases import IntakeLeases
from gateway.limits import Quotas
from gateway.media_uses import MediaUses
from gateway.slots import Slots
from gateway.sources import Sources, Wanted
from gateway.submissions import StoredMedia, Submission
from services.common.errors import InputError, LipstageError, StaleRecord, Unavailable
from services.common.messages import JobRecord, Provenance
from services.common.networks_used import cards_of
from services.common.new_job import begin, new_record
from services.common.ports import Bus, JobStore, MediaStore, Models

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often a waiting job looks whether it is its turn."""
_WATERMARK_DIGITS = 16
"""Of the job's id: 64 bits."""
GIVE_UP = timedelta(hours=1)
"""After this long without a server that is needed, a job fails instead of waiting on."""


class Intake:
    """Every step may be done twice, by this process or another one: the names of what it writes do not depend on it."""

    def __init__(
        self,
        documents: Documents,
        sources: Sources,
        ending: Ending,
        bus: Bus,
        jobs: JobStore,
        media: MediaStore,
        models: Models,
        clock: Clock,
    ) -> None:
        self._submissions = Collection(documents, "submissions", Submission)
        self._accounts = Collection(documents, "accounts", Account)
        self._quotas = Quotas(documents, clock)
        self._slots, self._uses = Slots(documents), MediaUses(documents, media)
        self._sources, self._ending, self._bus, self._jobs, self._models = sources, ending, bus, jobs, models
        self._leases, self._clock = IntakeLeases(documents, clock), clock
        self._trouble_since: dict[str, datetime] = {}
        """Jobs that wait for a server that is needed to take them in."""

    async def await_turn(self, account_id: str, job_id: str) -> None:
        """Returns when the account has a place for the job, or the job is over before. Raises Unavailable."""
        account = await self._accounts.get(account_id)
        while (await self._submissions.get(f"{account_id}/{job_id}")).waiting:
            if await self._slots.take(account_id, job_id, account.limits.running_jobs):
                return
            await asyncio.sleep(LOOK_S)

    async def take(self, account_id: str, job_id: str) -> Submission | None:
        """Returns once the stages have the job, or it has ended before; None while another gateway takes it in.

        Raises Unavailable.
        """
        submission = await self._submissions.get(f"{account_id}/{job_id}")
        if submission.waiting:
            async with self._leases.held(job_id) as ours:
                if not ours:
                    return None
                submission = await self._submissions.get(f"{account_id}/{job_id}")
                if submission.waiting:  # still, now that nobody else can be at it
                    submission = await self._taken_in_or_failed(submission, await self._accounts.get(account_id))
        self._trouble_since.pop(job_id, None)
        if submission.called_off:  # maybe while its record was being created
            await self._ending.call_off(job_id)
        return submission

    async def _taken_in_or_failed(self, submission: Submission, owner: Account) -> Submission:
        try:
            return await self._taken_in(submission, owner)
        except Unavailable as error:
            now = self._clock()
            if now - self._trouble_since.setdefault(submission.id, now) < GIVE_UP:
                raise
            return await self._ending.fail(owner.id, submission.id, error)
        except InputError as error:
            return await self._ending.fail(owner.id, submission.id, error)
        except Exception as error:  # whatever it is, the job must not wait for ever, in a place that others need
            log.exception("job %s could not be taken in", submission.id)
            known = error if isinstance(error, LipstageError) else LipstageError("The job could not be taken in.")
            return await self._ending.fail(owner.id, submission.id, known)

    async def _taken_in(self, submission: Submission, owner: Account) -> Submission:
        submission, video = await self._stored(submission, owner, "video")
        if submission.called_off:
            return submission
        submission, audio = await self._stored(submission, owner, "audio")
        await self._quotas.count(owner, submission.id, submission.created_at, audio.duration_s)
        if submission.called_off:
            return submission
        with contextlib.suppress(StaleRecord):  # somebody else was first; what they created is the same
            await begin(self._bus, self._jobs, await self._record(submission, video, audio))
        now = self._clock()
        return await self._submissions.change(
            f"{owner.id}/{submission.id}",
            lambda newest: newest.model_copy(update={"queued_at": now}) if newest.waiting else newest,
        )

    async def _stored(self, submission: Submission, owner: Account, part: Wanted) -> tuple[Submission, StoredMedia]:
        """What is noted already stays: an address may be good for a single look."""
        there: StoredMedia | None = getattr(submission, part)
        if there:
            return submission, there
        key, job, source = f"{owner.id}/{submission.id}", submission.id, getattr(submission.request, part)
        try:
            stored = await self._sources.stored(owner.id, job, source, part, owner.limits.max_media_bytes)
        except LipstageError:
            submission = await self._submissions.get(key)
            there = getattr(submission, part)
            if there is None:
                raise
            return submission, there  # a gateway that was taken for dead was faster
        submission = await self._submissions.change(
            key, lambda newest: newest if getattr(newest, part) else newest.model_copy(update={part: stored})
        )
        there = getattr(submission, part) or stored
        if submission.deleted_at or there.content != stored.content:  # what nobody knows of does not stay
            await self._uses.drop(stored.content, job)
        return submission, there

    async def _record(self, submission: Submission, video: StoredMedia, audio: StoredMedia) -> JobRecord:
        request = submission.request
        cards = await cards_of(self._models, request.parameters)
        record = new_record(video.content, audio.content, request.parameters, cards, submission.id)
        provenance = Provenance(
            watermark=int(submission.id[:_WATERMARK_DIGITS], 16),
            job_id=submission.id,
            consent_id=submission.consent or "",
            label=request.label,
        )
        return record.model_copy(update={"priority": request.priority, "provenance": provenance})
