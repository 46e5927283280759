"""Media and results leave on time, and on request; what they were is kept, as proof."""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ids import made_at
from gateway.media_uses import MediaUses
from gateway.partial_uploads import PartialUploads
from gateway.resumable_uploads import ResumableUploads
from gateway.submissions import Submission
from gateway.unfinished import remove_unfinished
from gateway.uploads import Upload, ids_within
from gateway.webhooks.outbox import Outbox
from services.common import object_names
from services.common.errors import LipstageError, Unavailable
from services.common.new_job import Content
from services.common.ports import MediaStore

log = logging.getLogger(__name__)

SWEEP_S = 60.0
"""How often it is looked for what must go: nothing is kept longer than this beyond its time."""
LOST = timedelta(hours=1)
"""What came with a job's request goes after this time if no job was made of it."""
UNUSED = timedelta(days=2)
"""So long after its user's id was made a use may still wait for its user: files arrive for up to a day."""


class Removal:
    """Inputs are shared by content: one goes when no job and no upload needs it any more."""

    def __init__(self, documents: Documents, media: MediaStore, clock: Clock) -> None:
        self._submissions = Collection(documents, "submissions", Submission)
        self._uploads = Collection(documents, "uploads", Upload)
        self._uses, self._outbox = MediaUses(documents, media), Outbox(documents, clock)
        self._resumable, self._partial = ResumableUploads(documents, media, clock), PartialUploads(media)
        self._media, self._clock = media, clock

    async def serve(self, closing: asyncio.Event) -> None:
        while not closing.is_set():
            try:
                await self.sweep()
            except LipstageError as error:
                log.warning("what must go is looked for again: %s [%s]", error, error.code)
            except Exception:  # nothing here may end the gateway
                log.exception("what must go is looked for again")
            try:
                await asyncio.wait_for(closing.wait(), SWEEP_S)
            except TimeoutError:
                continue

    async def sweep(self) -> None:
        """Removes everything whose time is over. Raises Unavailable; the next sweep then goes on."""
        now = self._clock()
        await asyncio.to_thread(remove_unfinished, self._media.scratch, now.timestamp())
        await self._resumable.sweep(now)
        await self._partial.sweep(now)
        uses, told = await self._uses.all(), await self._outbox.jobs()  # listed before those they belong to
        deleted: dict[str, str] = {}
        async for key, submission in self._submissions.items():
            if submission.deleted_at:
                deleted[submission.id] = key
            elif submission.ended_at and submission.ended_at + timedelta(seconds=submission.retention_s) <= now:
                await _apart(key, self.remove(submission.account, submission.id))
        async for key, upload in self._uploads.items():
            await _apart(key, self._sweep_upload(key, upload, now))
        users = {*await self._submissions.keys(), *await self._uploads.keys()}
        known = {key.rpartition("/")[2] for key in users}
        for sha256, user in uses:
            if user in deleted or user not in known:
                await _apart(user, self._drop_stray(sha256, user, deleted.get(user), now))
        for job in told & deleted.keys():
            await _apart(job, self._outbox.forget(job))

    async def remove(self, account: str, job: str) -> Submission:
        """Removes an ended job's inputs, as far as nobody else needs them, intermediates and outputs."""
        key = f"{account}/{job}"
        before = await self._submissions.get(key)
        if before.deleted_at:
            return before
        folders = (object_names.output_folder(job), object_names.work_folder(job))
        for folder in folders:
            await self._noted(key, await self._names(folder))  # before they go: a repeat would not find them
            await self._media.delete_folder(folder)
        for sent in [await self._uploads.find(f"{account}/{within}") for within in ids_within(job)]:
            if sent is not None:
                await self._drop(key, sent.content, sent.id)
                await self._uploads.delete(f"{account}/{sent.id}")
        for content in _inputs(before):
            await self._drop(key, content, job)
        await self._outbox.forget(job)
        now = self._clock()
        after = await self._submissions.change(key, lambda newest: newest.model_copy(update={"deleted_at": now}))
        for content in _inputs(after) - _inputs(before):  # taken in meanwhile
            await self._drop(key, content, job)
        return after

    async def _sweep_upload(self, key: str, upload: Upload, now: datetime) -> None:
        if upload.job is None:
            over = upload.expired(now)
        else:
            job = await self._submissions.find(f"{key.partition('/')[0]}/{upload.job}")
            over = job.deleted_at is not None if job else upload.created_at + LOST < now
        if over:
            await self._uses.drop(upload.content, upload.id)
            await self._uploads.delete(key)

    async def _drop_stray(self, sha256: str, user: str, deleted_job: str | None, now: datetime) -> None:
        """What came after its job was deleted, or was cut off between a use and its user."""
        content = await self._uses.used(sha256, user)
        if content and deleted_job:
            await self._drop(deleted_job, content, user)
        elif content and made_at(user) + UNUSED < now:
            await self._uses.drop(content, user)

    async def _drop(self, key: str, content: Content, user: str) -> None:
        if await self._uses.drop(content, user):
            await self._noted(key, [content.object_name])

    async def _noted(self, key: str, names: list[str]) -> None:
        def note(submission: Submission) -> Submission:
            new = [name for name in names if name not in submission.removed]
            return submission.model_copy(update={"removed": (*submission.removed, *new)})

        await self._submissions.change(key, note)

    async def _names(self, folder: str) -> list[str]:
        return [name async for name in self._media.children(folder)]


def _inputs(submission: Submission) -> set[Content]:
    return {stored.content for stored in (submission.video, submission.audio) if stored}


async def _apart(what: str, step: Awaitable[object]) -> None:
    """Whatever is wrong with one does not keep the others. Raises Unavailable."""
    try:
        await step
    except Unavailable:
        raise
    except Exception:
        log.exception("%s is left for the next sweep", what)
