"""Files that go on where a broken connection left them, at whichever gateway their sender comes back to."""

import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ids import made_at, new_id
from gateway.partial_uploads import KEPT, PartialUploads, expired
from services.common.errors import (
    OUT_OF_SPACE,
    DiskFull,
    DocumentExists,
    MediaTooLarge,
    ObjectMissing,
    UploadNotFound,
)
from services.common.ports import MediaStore

PIECE_BYTES: Final = 16 << 20
"""What arrives is stored in pieces of this size: the most that is lost with a gateway."""
_OFFSET_DIGITS: Final = 15


class Begun(BaseModel):
    """Stored as `resumable/<account>/<id>` until the upload is whole."""

    model_config = ConfigDict(frozen=True)

    account: str
    id: str
    length: int
    filename: str
    content_type: str

    @property
    def expires_at(self) -> datetime:
        return made_at(self.id) + KEPT


class Piece(BaseModel):
    """Stored as `pieces/<account>/<id>/<offset>`: of two that begin at the same byte, only one can be there.

    Each begins where the one before it ends.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    """Of its object."""
    offset: int
    length: int


class ResumableUploads:
    """Every method may raise Unavailable."""

    def __init__(self, documents: Documents, media: MediaStore, clock: Clock) -> None:
        self._begun = Collection(documents, "resumable", Begun)
        self._pieces = Collection(documents, "pieces", Piece)
        self._partial = PartialUploads(media)
        self._documents, self._media, self._clock = documents, media, clock

    async def begin(self, account: str, length: int, filename: str, content_type: str) -> Begun:
        begun = Begun(
            account=account, id=new_id(self._clock()), length=length, filename=filename, content_type=content_type
        )
        await self._begun.create(f"{account}/{begun.id}", begun)
        return begun

    async def find(self, account: str, upload: str) -> Begun | None:
        """None once the upload is whole, was given up or has expired."""
        begun = await self._begun.find(f"{account}/{upload}")
        return begun if begun and begun.expires_at >= self._clock() else None

    async def get(self, account: str, upload: str) -> Begun:
        """Raises UploadNotFound."""
        if (begun := await self.find(account, upload)) is None:
            raise UploadNotFound(f"There is no upload {upload} under way.", upload_id=upload)
        return begun

    async def arrived(self, begun: Begun) -> int:
        """How many bytes, from the first one on."""
        keys = await self._pieces.keys(_folder(begun))
        last = await self._pieces.find(keys[-1]) if keys else None
        return last.offset + last.length if last else 0

    async def append(self, begun: Begun, offset: int, arriving: AsyncIterator[bytes]) -> int:
        """How many bytes have arrived then. `offset` must be how many had arrived before.

        Whatever `arriving` raises, the bytes before it are kept. Raises DocumentExists when other bytes came first,
        MediaTooLarge, DiskFull, and UploadNotFound when the upload was given up meanwhile.
        """
        there, ended = offset, False
        path = self._media.scratch / f"piece-{new_id(self._clock())}"
        try:
            while not ended:
                try:
                    ended = await _fill(path, arriving, begun.length - there)
                finally:  # also when the connection broke: this is what the sender goes on from
                    there = await self._keep(begun, there, path)
        finally:
            path.unlink(missing_ok=True)
        return there

    async def content(self, begun: Begun) -> AsyncIterator[bytes]:
        """The whole file. Raises ObjectMissing when there is less of it."""
        pieces = [piece async for piece in self._pieces.all(_folder(begun))]
        if sum(piece.length for piece in pieces) != begun.length:
            raise ObjectMissing(f"Upload {begun.id} is not whole.", upload_id=begun.id)
        async for block in self._partial.joined(begun.account, begun.id, [piece.name for piece in pieces]):
            yield block

    async def remove(self, begun: Begun) -> None:
        """The upload's own document goes first: from then on nothing is added."""
        await self._begun.delete(f"{begun.account}/{begun.id}")
        for key in await self._pieces.keys(_folder(begun)):
            await self._pieces.delete(key)
        await self._partial.remove(begun.account, begun.id)

    async def sweep(self, now: datetime) -> None:
        """Removes what is known of uploads that were not whole in time, and what was left of others."""
        for kind in ("resumable", "pieces"):
            for name in await self._documents.names(f"{kind}/"):
                if expired(name.split("/")[2], now):
                    await self._documents.delete(name)

    async def _keep(self, begun: Begun, offset: int, path: Path) -> int:
        size = path.stat().st_size
        if not size:
            return offset
        await self.get(begun.account, begun.id)
        # Two senders may bring the same stretch: the object of each has a name of its own.
        name = f"{offset:0{_OFFSET_DIGITS}d}-{size}-{secrets.token_hex(4)}"
        piece = Piece(name=name, offset=offset, length=size)
        await self._partial.put(begun.account, begun.id, name, path)
        first = await self._pieces.create_once(f"{_folder(begun)}{offset:0{_OFFSET_DIGITS}d}", piece)
        if first != piece:
            await self._partial.drop(begun.account, begun.id, name)
            raise DocumentExists("Another request was first with this part of the file.", upload_id=begun.id)
        return offset + size


async def _fill(path: Path, arriving: AsyncIterator[bytes], at_most: int) -> bool:
    """Writes the next piece to `path`. Whether it was the last one. Raises MediaTooLarge, DiskFull."""
    try:
        with path.open("wb") as file:
            size = 0
            async for block in arriving:
                size += len(block)
                if size > at_most:
                    raise MediaTooLarge("More bytes arrived than were announced.", max_bytes=at_most)
                file.write(block)
                if size >= PIECE_BYTES:
                    return False
        return True
    except OSError as error:
        if error.errno in OUT_OF_SPACE:
            raise DiskFull(f"There is no space left in {path.parent}.", path=str(path.parent)) from error
        raise


def _folder(begun: Begun) -> str:
    return f"{begun.account}/{begun.id}/"
