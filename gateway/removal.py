"""Media and results leave on time, and on request; what they were is kept, as proof."""

import asyncio
import logging
from datetime import timedelta

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.media_uses import MediaUses
from gateway.partial_uploads import PartialUploads
from gateway.resumable_uploads import ResumableUploads
from gateway.submissions import Submission
from gateway.unfinished import remove_unfinished
from gateway.uploads import Upload
from gateway.webhooks.outbox import Outbox
from services.common import object_names
from services.common.errors import LipstageError
from services.common.ports import MediaStore

log = logging.getLogger(__name__)

SWEEP_S = 60.0
"""How often it is looked for what must go: nothing is kept longer than this beyond its time."""


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
        async for key, upload in self._uploads.items():
            if upload.expires_at < now:
                await self._uploads.delete(key)
                await self._uses.drop(upload.content, upload.id)
        async for submission in self._submissions.all():
            if submission.deleted_at or not submission.ended_at:
                continue
            if submission.ended_at + timedelta(seconds=submission.retention_s) <= now:
                await self.remove(submission.account, submission.id)

    async def remove(self, account: str, job: str) -> Submission:
        """Removes an ended job's inputs, as far as nobody else needs them, intermediates and outputs."""
        key = f"{account}/{job}"
        submission = await self._submissions.get(key)
        if submission.deleted_at:
            return submission
        folders = (object_names.output_folder(job), object_names.work_folder(job))
        for folder in folders:
            await self._noted(key, await self._names(folder))  # before they go: a repeat would not find them
            await self._media.delete_folder(folder)
        for stored in (submission.video, submission.audio):
            if stored and await self._uses.drop(stored.content, job):
                await self._noted(key, [stored.content.object_name])
        await self._outbox.forget(job)
        now = self._clock()
        return await self._submissions.change(key, lambda newest: newest.model_copy(update={"deleted_at": now}))

    async def _noted(self, key: str, names: list[str]) -> None:
        def note(submission: Submission) -> Submission:
            new = [name for name in names if name not in submission.removed]
            return submission.model_copy(update={"removed": (*submission.removed, *new)})

        await self._submissions.change(key, note)

    async def _names(self, folder: str) -> list[str]:
        return [name async for name in self._media.children(folder)]
