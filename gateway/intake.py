"""A submitted job's way to the stages: its turn is waited for, its media are taken in, its record is created."""

import asyncio
import contextlib
import logging
from datetime import timedelta

from gateway.accounts import Account
from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ending import Ending
from gateway.limits import Quotas
from gateway.media_uses import MediaUses
from gateway.slots import Slots
from gateway.sources import Sources
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
        self._clock = clock

    async def await_turn(self, account_id: str, job_id: str) -> None:
        """Returns when the account has a place for the job, or the job is over before. Raises Unavailable."""
        account = await self._accounts.get(account_id)
        while (await self._submissions.get(f"{account_id}/{job_id}")).waiting:
            if await self._slots.take(account_id, job_id, account.limits.running_jobs):
                return
            await asyncio.sleep(LOOK_S)

    async def take(self, account_id: str, job_id: str) -> Submission:
        """Returns once the stages have the job, or it has ended before. Raises Unavailable."""
        submission = await self._submissions.get(f"{account_id}/{job_id}")
        if submission.waiting:
            submission = await self._taken_in_or_failed(submission, await self._accounts.get(account_id))
        if submission.called_off:  # maybe while its record was being created
            await self._ending.call_off(job_id)
        return submission

    async def _taken_in_or_failed(self, submission: Submission, owner: Account) -> Submission:
        try:
            return await self._taken_in(submission, owner)
        except Unavailable as error:
            if self._clock() - submission.created_at < GIVE_UP:
                raise
            return await self._ending.fail(owner.id, submission.id, error)
        except InputError as error:
            return await self._ending.fail(owner.id, submission.id, error)
        except LipstageError as error:
            log.exception("job %s could not be taken in", submission.id)
            return await self._ending.fail(owner.id, submission.id, error)

    async def _taken_in(self, submission: Submission, owner: Account) -> Submission:
        account, request, at_most_bytes = owner.id, submission.request, owner.limits.max_media_bytes
        key = f"{account}/{submission.id}"
        video = await self._sources.stored(account, request.video, "video", at_most_bytes)
        audio = await self._sources.stored(account, request.audio, "audio", at_most_bytes)
        await self._quotas.count(owner, submission.id, submission.created_at, audio.duration_s)
        for stored in (video, audio):
            await self._uses.add(stored.content, submission.id)
        submission = await self._submissions.change(
            key, lambda newest: newest.model_copy(update={"video": video, "audio": audio})
        )
        if submission.called_off:
            return submission
        with contextlib.suppress(StaleRecord):  # somebody else was first; what they created is the same
            await begin(self._bus, self._jobs, await self._record(submission, video, audio))
        now = self._clock()
        return await self._submissions.change(
            key, lambda newest: newest.model_copy(update={"queued_at": now}) if newest.waiting else newest
        )

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
