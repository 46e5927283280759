"""Objects fetched for reading: shared by all who read them at the same time, kept for later as far as room allows."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from services.common.errors import DiskFull

LONGEST_KEPT_S = 3600.0
"""After this time a kept file is fetched anew: the object may have been deleted from elsewhere."""
Fetch = Callable[[str, Path], Awaitable[None]]
"""Writes the object of a name to a path, or leaves nothing there."""


@dataclass
class _Entry:
    path: Path
    fetching: "asyncio.Task[None]" = field(init=False)
    readers: int = 0
    since_s: float = 0.0
    """When it was fetched, or rather begun to be."""
    size: int | None = None
    """Bytes; None until the file is whole."""

    def remove(self) -> None:
        self.fetching.cancel()
        self.path.unlink(missing_ok=True)


class LocalCache:
    """Files in `folder`. Those nobody reads are removed, least recently used first, until `limit_bytes` is met.

    What is not `worth_keeping` is removed as soon as nobody reads it, what is as soon as it is too old, looked at
    whenever the cache is used.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        fetch: Fetch,
        worth_keeping: Callable[[str], bool],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes
        self._fetch, self._worth_keeping, self._clock_s = fetch, worth_keeping, clock_s
        self._entries: dict[str, _Entry] = {}
        """Least recently used first."""

    @asynccontextmanager
    async def file(self, name: str) -> AsyncIterator[Path]:
        """The object's content for as long as the context lasts. Raises what fetching it raises."""
        self._forget_old()
        entry = self._entries.pop(name, None) or self._begin(name)
        self._entries[name] = entry
        entry.readers += 1
        try:
            await asyncio.shield(entry.fetching)  # others may be waiting for it too
            yield entry.path
        finally:
            entry.readers -= 1
            self._left(name, entry)

    def forget(self, name: str) -> None:
        """The next reader fetches the object anew; present ones keep their file."""
        entry = self._entries.pop(name, None)
        if entry and not entry.readers:
            entry.remove()

    def _forget_old(self) -> None:
        oldest_s = self._clock_s() - LONGEST_KEPT_S
        for name in [
            name for name, entry in self._entries.items() if entry.size is not None and entry.since_s < oldest_s
        ]:
            self.forget(name)

    def _begin(self, name: str) -> _Entry:
        entry = _Entry(self._folder / f"{uuid.uuid4().hex}{PurePosixPath(name).suffix}", since_s=self._clock_s())
        entry.fetching = asyncio.ensure_future(self._fill(name, entry))
        return entry

    async def _fill(self, name: str, entry: _Entry) -> None:
        try:
            try:
                await self._fetch(name, entry.path)
            except DiskFull:
                if not self._shrink(0):
                    raise
                await self._fetch(name, entry.path)
            entry.size = entry.path.stat().st_size
        except BaseException:
            if self._entries.get(name) is entry:  # whoever asks from now on does not share in the failure
                del self._entries[name]
            raise
        self._shrink(self._limit_bytes)

    def _left(self, name: str, entry: _Entry) -> None:
        if entry.readers:
            return
        known = self._entries.get(name) is entry
        if not known or entry.size is None or not self._worth_keeping(name):
            if known:
                del self._entries[name]
            entry.remove()
        self._shrink(self._limit_bytes)

    def _shrink(self, limit_bytes: int) -> bool:
        """Whether anything was removed."""
        held = sum(entry.size or 0 for entry in self._entries.values())
        removed = False
        for name, entry in list(self._entries.items()):
            if held <= limit_bytes:
                break
            if not entry.readers:
                del self._entries[name]
                entry.remove()
                held -= entry.size or 0
                removed = True
        return removed
