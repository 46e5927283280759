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
from gateway.probing import AudioFacts
from gateway.results import Results
from gateway.submissions import StoredMedia
from gateway.upload_links import UploadLinks
from gateway.uploads import PREFIX, Upload, Uploads, sounding_s
from services.common.errors import InvalidParameter, NoVideoStream, ObjectMissing, UploadNotFound
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

    async def kept(self, account: str, source: str, at_most_bytes: int) -> str:
        """`source` itself, or the upload that a data URI has become: no request is stored with media in it."""
        if not source.startswith("data:"):
            return source
        path = self._media.scratch / f"data-{new_id(self._clock())}"
        try:
            saved = await asyncio.to_thread(save_data_uri, source, path, at_most_bytes)
            return (await self._uploads.keep(account, path, saved)).source
        finally:
            path.unlink(missing_ok=True)

    async def stored(self, account: str, source: str, wanted: Wanted, at_most_bytes: int) -> StoredMedia:
        """Raises UploadNotFound, LinkInvalid, what is wrong with the address, and what is wrong with the media.

        Besides, for what another job made, JobNotFound and JobNotEnded.
        """
        result = await self._results.named(account, source)
        upload = await (self._copied(account, result) if result else self.uploaded(account, source))
        if upload is None and source.startswith(("http://", "https://")):
            upload = await self._fetched(account, source, at_most_bytes)
        if upload is None:
            raise InvalidParameter(
                "A source is an https address, a data URI, upload: and an upload's id or job: and a job's."
            )
        if wanted == "video" and isinstance(upload.facts, AudioFacts):
            raise NoVideoStream("The video has no pictures.")
        return StoredMedia(
            sha256=upload.sha256,
            suffix=upload.suffix,
            bytes=upload.bytes,
            duration_s=sounding_s(upload.facts) if wanted == "audio" else upload.facts.duration_s,
            source=_without_secrets(source),
        )

    async def uploaded(self, account: str, source: str) -> Upload | None:
        """What is here already under this name or address of ours; None for others.

        Raises UploadNotFound and LinkInvalid.
        """
        if source.startswith(PREFIX):
            return await self._uploads.get(account, source.removeprefix(PREFIX))
        if named := self._upload_links.named_in(account, source):
            return await self._uploads.get(named.account, named.upload)
        return await self._uploads.linked(account, source, self._links)

    async def _copied(self, account: str, name: str) -> Upload:
        """A result as an upload of its own: it stays when the job that made it goes."""
        path = self._media.scratch / f"copy-{new_id(self._clock())}"
        try:
            async with self._media.local(name) as made:
                copied = await asyncio.to_thread(_copy, made, path, PurePosixPath(name).name)
            return await self._uploads.keep(account, path, copied)
        except ObjectMissing:
            raise UploadNotFound("What this job made is not kept any more.") from None
        finally:
            path.unlink(missing_ok=True)

    async def _fetched(self, account: str, url: str, at_most_bytes: int) -> Upload:
        path = self._media.scratch / f"fetch-{new_id(self._clock())}"
        try:
            fetched = await fetch(url, path, FetchLimits(max_bytes=at_most_bytes), self._policy)
            return await self._uploads.keep(account, path, fetched)
        finally:
            path.unlink(missing_ok=True)


def _copy(made: Path, path: Path, filename: str) -> Fetched:
    with incoming_file(path, made.stat().st_size) as file, made.open("rb") as original:
        while block := original.read(_BLOCK_BYTES):
            file.write(block)
    content_type, _ = mimetypes.guess_type(filename)
    return Fetched(file.sha256, file.bytes, content_type, "", filename)


def _without_secrets(source: str) -> str:
    """Signed addresses carry their secrets behind the question mark."""
    return urlunsplit(urlsplit(source)._replace(query="", fragment="")) if "://" in source else source
