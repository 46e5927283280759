"""Media that callers send before they ask for jobs."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ids import new_id
from gateway.incoming_file import Fetched, incoming_file
from gateway.links import OwnLinks
from gateway.media_uses import MediaUses
from gateway.probing import AudioFacts, Prober, VideoFacts
from services.common.errors import DocumentExists, NoAudioStream, NoVideoStream, ObjectMissing, UploadNotFound
from services.common.new_job import Content
from services.common.ports import MediaStore

KEPT = timedelta(days=7)
"""How long an upload that no job used is kept."""
PREFIX = "upload:"
_SUFFIX_CHARACTERS = 8


class Upload(BaseModel):
    """Stored as `uploads/<account>/<id>`. The bytes are an object named by their content."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    suffix: str
    bytes: int
    content_type: str
    filename: str
    created_at: datetime
    expires_at: datetime
    facts: Annotated[VideoFacts | AudioFacts, Field(discriminator="kind")]
    job: str | None = None
    """The job whose request it was part of, as a data URI: it goes with the job, whenever that is."""
    notes: dict[str, Any] = {}
    """What a dialect tells of it besides."""

    @property
    def source(self) -> str:
        """What a job names it by."""
        return f"{PREFIX}{self.id}"

    @property
    def content(self) -> Content:
        return Content(self.sha256, self.suffix)

    def expired(self, now: datetime) -> bool:
        return self.job is None and self.expires_at < now


class Uploads:
    def __init__(self, documents: Documents, media: MediaStore, prober: Prober, clock: Clock) -> None:
        self._uploads = Collection(documents, "uploads", Upload)
        self.uses = MediaUses(documents, media)
        self._media, self._prober, self._clock = media, prober, clock

    async def receive(
        self,
        account: str,
        pieces: AsyncIterator[bytes],
        filename: str,
        content_type: str,
        at_most_bytes: int,
        upload_id: str | None = None,
    ) -> Upload:
        """Raises MediaTooLarge, and the InputError that says why this is no usable media; nothing is kept then.

        Under an id that was given out before, the same content may arrive again; other content raises DocumentExists.
        """
        path = self._media.scratch / f"upload-{new_id(self._clock())}{media_suffix(filename)}"
        try:
            with incoming_file(path, at_most_bytes) as file:
                async for piece in pieces:
                    file.write(piece)
            arrived = Fetched(file.sha256, file.bytes, content_type, "", filename)
            return await self.keep(account, path, arrived, upload_id)
        finally:
            path.unlink(missing_ok=True)

    async def keep(
        self, account: str, path: Path, fetched: Fetched, upload_id: str | None = None, job: str | None = None
    ) -> Upload:
        """Takes over a file in the media store's scratch folder. Raises what is wrong with it, and DocumentExists."""
        now = self._clock()
        filename = fetched.filename or ""
        facts = await self.examine(path, filename)
        upload = Upload(
            id=upload_id or new_id(now),
            sha256=fetched.sha256,
            suffix=media_suffix(filename),
            bytes=fetched.bytes,
            content_type=fetched.content_type or "application/octet-stream",
            filename=filename,
            created_at=now,
            expires_at=now + KEPT,
            facts=facts,
            job=job,
        )
        key = f"{account}/{upload.id}"
        if (first := await self._uploads.find(key)) is None:
            await self.uses.add(upload.content, upload.id)
            await self._media.put_file(upload.content.object_name, path)
            first = await self._uploads.create_once(key, upload)
            if first.sha256 != upload.sha256:
                await self.uses.drop(upload.content, upload.id)
        if first.sha256 != upload.sha256:
            raise DocumentExists("Another file was sent here before.", upload_id=upload.id)
        return first

    async def get(self, account: str, upload_id: str) -> Upload:
        """Raises UploadNotFound."""
        try:
            upload = await self._uploads.get(f"{account}/{upload_id}")
        except ObjectMissing:
            raise UploadNotFound(f"There is no upload {upload_id}.", upload_id=upload_id) from None
        if upload.expired(self._clock()):
            raise UploadNotFound(f"Upload {upload_id} has expired.", upload_id=upload_id)
        return upload

    async def note(self, account: str, upload_id: str, notes: dict[str, Any]) -> Upload:
        key = f"{account}/{upload_id}"
        return await self._uploads.change(key, lambda newest: newest.model_copy(update={"notes": notes}))

    async def linked(self, account: str, url: str, links: OwnLinks) -> Upload | None:
        """The upload that one of our own links leads to; None for other addresses. Raises LinkInvalid."""
        name = links.name_in(url)
        if name is None:
            return None
        for upload in await self.all(account):
            if upload.content.object_name == name:
                return upload
        raise UploadNotFound("What this link led to is not kept any more.")

    async def remove(self, account: str, upload_id: str) -> None:
        """Raises UploadNotFound. The object stays while a job that has taken it in needs it."""
        upload = await self.get(account, upload_id)
        await self.uses.drop(upload.content, upload_id)  # first: nobody would find it without the document
        await self._uploads.delete(f"{account}/{upload_id}")

    async def examine(self, path: Path, filename: str) -> VideoFacts | AudioFacts:
        """What the file holds. Raises the InputError that says why it is no usable media."""
        called = filename or "The file"
        try:
            return await self._prober.video(path, called)
        except NoVideoStream:
            return await self._prober.audio(path, called)

    async def all(self, account: str) -> list[Upload]:
        return [upload async for upload in self._uploads.all(f"{account}/")]


def id_within(job: str, part: Literal["video", "audio"]) -> str:
    """Of the upload that a data URI in a job's request becomes."""
    return f"{job}-{part}"


def ids_within(job: str) -> tuple[str, str]:
    return id_within(job, "video"), id_within(job, "audio")


def sounding_s(facts: VideoFacts | AudioFacts) -> float:
    """How long the new voice is, also where it is a video's sound. Raises NoAudioStream."""
    if isinstance(facts, AudioFacts):
        return facts.duration_s
    if facts.audio_s is None:
        raise NoAudioStream("The new voice has no sound.")
    return facts.audio_s


def media_suffix(filename: str) -> str:
    """A harmless suffix of a caller's file name, with its dot, or nothing."""
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()[:_SUFFIX_CHARACTERS]
    return suffix if suffix[1:].isalnum() and suffix.isascii() else ""
