"""Reading what callers' files say about where they come from."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.common.provenance.verification import Verification, verify_file


class Verifier:
    """Reads one file at a time; more wait, because it takes a core for seconds."""

    def __init__(self, own_root: Callable[[], str | None]) -> None:
        self._own_root = own_root
        self._place = asyncio.Semaphore(1)

    async def verify(self, path: Path) -> Verification:
        """For a file that was examined before. Raises what `verify_file` and `own_root` raise."""
        async with self._place:
            return await asyncio.to_thread(lambda: verify_file(path, self._own_root()))
