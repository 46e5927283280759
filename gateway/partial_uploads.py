"""Files that arrive in pieces: each is an object of the media store, so that any gateway can go on with the file."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.ids import made_at
from services.common.ports import MediaStore

KEPT: Final = timedelta(hours=24)
"""How long after its beginning a file may still grow."""
PARTS: Final = "parts/"
_BLOCK_BYTES: Final = 1 << 20


class PartialUploads:
    """Pieces lie at `parts/<account>/<upload>/<piece>`; whoever sends them says what they are called.

    Every method may raise Unavailable.
    """

    def __init__(self, media: MediaStore) -> None:
        self._media = media

    async def put(self, account: str, upload: str, piece: str, path: Path) -> None:
        """Takes a file over from the media store's scratch folder. Raises DiskFull."""
        await self._media.put_file(_folder(account, upload) + piece, path)

    async def pieces(self, account: str, upload: str) -> list[str]:
        folder = _folder(account, upload)
        return [name.removeprefix(folder) async for name in self._media.children(folder)]

    async def joined(self, account: str, upload: str, pieces: Sequence[str]) -> AsyncIterator[bytes]:
        """Their contents, one after another. Raises ObjectMissing."""
        for piece in pieces:
            async with self._media.local(_folder(account, upload) + piece) as path:
                with path.open("rb") as file:
                    while block := file.read(_BLOCK_BYTES):
                        yield block

    async def drop(self, account: str, upload: str, piece: str) -> None:
        await self._media.delete(_folder(account, upload) + piece)

    async def remove(self, account: str, upload: str) -> None:
        await self._media.delete_folder(_folder(account, upload))

    async def sweep(self, now: datetime) -> None:
        """Removes the pieces of files that were not whole in time, whichever gateway began them."""
        async for account in self._media.children(PARTS):
            async for folder in self._media.children(account):
                if expired(folder.rstrip("/").rpartition("/")[2], now):
                    await self._media.delete_folder(folder)


def expired(upload: str, now: datetime) -> bool:
    return made_at(upload) + KEPT < now


def _folder(account: str, upload: str) -> str:
    return f"{PARTS}{account}/{upload}/"
