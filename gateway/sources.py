"""From what a caller names as video or voice to a probed object of the media store."""

import asyncio
import mimetypes
from pathlib import Path, PurePosixPath
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from gateway.addresses import UrlPolicy
from gateway.clock import Clock
from gateway.data_uri import save_data_uri
from gateway.fetching import FetchLimits, fetch
from gateway.ids import new_id
from gateway.incoming_file import Fetched, incoming_file
from gateway.links import OwnLinks
from gateway.probing import AudioFacts, VideoFacts
from gateway.results import Results
from gateway.submissions import StoredMedia
from gateway.upload_links import UploadLinks
from gateway.uploads import PREFIX, Upload, Uploads, id_within, media_suffix, sounding_s
from services.common.errors import InvalidParameter, NoVideoStream, ObjectMissing, UploadNotFound
from services.common.new_job import Content
from services.common.ports import MediaStore

Wanted = Literal["video", "audio"]
_BLOCK_BYTES: Final = 1 << 20


class Sources:
    """Takes what callers name into the media store."""

    def __init__(
        self,
        uploads: Uploads,
        results: Results,
        media: MediaStore,
        links: OwnLinks,
        upload_links: UploadLinks,
        policy: UrlPolicy,
        clock: Clock,
    ) -> None:
        self._uploads, self._media, self._links, self._upload_links = uploads, media, links, upload_links
        self._results, self._policy, self._clock = results, policy, clock

    async def kept(self, account: str, job: str, source: str, wanted: Wanted, at_most_bytes: int) -> str:
        """`source` itself, or the upload that a data URI has become: no request is stored with media in it.

        That upload belongs to the job and goes with it.
        """
        if not source.startswith("data:"):
            return source
        path = self._media.scratch / f"data-{new_id(self._clock())}"
        try:
            saved = await asyncio.to_thread(save_data_uri, source, path, at_most_bytes)
            return (await self._uploads.keep(account, path, saved, id_within(job, wanted), job)).source
        finally:
            path.unlink(missing_ok=True)

    async def stored(self, account: str, job: str, source: str, wanted: Wanted, at_most_bytes: int) -> StoredMedia:
        """The job uses it from then on; what is fetched or copied for it is kept for nobody else.

        Raises UploadNotFound, LinkInvalid, what is wrong with the address, and what is wrong with the media. Besides,
        for what another job made, JobNotFound and JobNotEnded.
        """
        result = await self._results.named(account, source)
        if result is None and (upload := await self.uploaded(account, source)) is not None:
            stored = _wanted_media(upload.content, upload.bytes, upload.facts, source, wanted)
            await self._uploads.uses.add(stored.content, job)
            return stored
        if result is None and not source.startswith(("http://", "https://")):
            raise InvalidParameter(
                "A source is an https address, a data URI, upload: and an upload's id or job: and a job's."
            )
        path = self._media.scratch / f"fetch-{new_id(self._clock())}"
        try:
            limits = FetchLimits(max_bytes=at_most_bytes)
            fetched = await (self._copied(result, path) if result else fetch(source, path, limits, self._policy))
            filename = fetched.filename or ""
            facts = await self._uploads.examine(path, filename)
            content = Content(fetched.sha256, media_suffix(filename))
            stored = _wanted_media(content, fetched.bytes, facts, source, wanted)
            await self._uploads.uses.add(content, job)
            await self._media.put_file(content.object_name, path)
            return stored
        finally:
            path.unlink(missing_ok=True)

    async def uploaded(self, account: str, source: str) -> Upload | None:
        """What is here already under this name or address of ours; None for others.

        Raises UploadNotFound and LinkInvalid.
        """
        if source.startswith(PREFIX):
            return await self._uploads.get(account, source.removeprefix(PREFIX))
        if named := self._upload_links.named_in(account, source):
            return await self._uploads.get(named.account, named.upload)
        return await self._uploads.linked(account, source, self._links)

    async def _copied(self, name: str, path: Path) -> Fetched:
        """A copy stays when the job that made the result goes."""
        try:
            async with self._media.local(name) as made:
                return await asyncio.to_thread(_copy, made, path, PurePosixPath(name).name)
        except ObjectMissing:
            raise UploadNotFound("What this job made is not kept any more.") from None


def _wanted_media(
    content: Content, size: int, facts: VideoFacts | AudioFacts, source: str, wanted: Wanted
) -> StoredMedia:
    """Raises NoVideoStream and NoAudioStream."""
    if wanted == "video" and isinstance(facts, AudioFacts):
        raise NoVideoStream("The video has no pictures.")
    return StoredMedia(
        sha256=content.sha256,
        suffix=content.suffix,
        bytes=size,
        duration_s=sounding_s(facts) if wanted == "audio" else facts.duration_s,
        source=_without_secrets(source),
    )


def _copy(made: Path, path: Path, filename: str) -> Fetched:
    with incoming_file(path, made.stat().st_size) as file, made.open("rb") as original:
        while block := original.read(_BLOCK_BYTES):
            file.write(block)
    content_type, _ = mimetypes.guess_type(filename)
    return Fetched(file.sha256, file.bytes, content_type, "", filename)


def _without_secrets(source: str) -> str:
    """Signed addresses carry their secrets behind the question mark."""
    return urlunsplit(urlsplit(source)._replace(query="", fragment="")) if "://" in source else source
