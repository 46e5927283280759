"""A reconciler at work."""

import asyncio
import contextlib
import logging

from services.common.errors import LipstageError
from services.common.reconciler import Reconciler

log = logging.getLogger(__name__)


class Scanning:
    """Scans every now and then until it is told to stop."""

    def __init__(self, reconciler: Reconciler, every_s: float) -> None:
        self._reconciler, self._every_s = reconciler, every_s

    async def serve(self, closing: asyncio.Event) -> None:
        while not closing.is_set():
            try:
                await self._reconciler.scan()
            except LipstageError as error:
                log.warning("what this scan missed the next one makes up for: %s [%s]", error, error.code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), self._every_s)
