"""`python -m services.reconciler`: repairs what crashes leave behind, for as long as it runs."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from services.common.errors import Unavailable
from services.common.reconciler import Reconciler
from services.common.service import Serving, run_service
from services.common.stack import Stack

log = logging.getLogger(__name__)

SCAN_S = 15.0


class Scanning:
    """Scans every now and then until it is told to stop."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    async def serve(self, closing: asyncio.Event) -> None:
        while not closing.is_set():
            try:
                await self._reconciler.scan()
            except Unavailable as error:
                log.warning("what this scan missed the next one makes up for: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), SCAN_S)


async def _scanning(stack: Stack) -> Sequence[Serving]:
    return [Scanning(Reconciler(stack.bus, stack.media, stack.jobs))]


if __name__ == "__main__":
    run_service("reconciler", _scanning)
