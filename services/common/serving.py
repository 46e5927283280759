"""Work that goes on until it is told to stop, and then stops without dropping anything."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from typing import Protocol

log = logging.getLogger(__name__)


class Serving(Protocol):
    async def serve(self, closing: asyncio.Event) -> None:
        """Works until `closing` is set."""
        ...


def closing_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT from now on."""
    closing = asyncio.Event()
    for asked_by in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked_by, closing.set)
    return closing


async def work_until(closing: asyncio.Event, workers: Sequence[Serving], drain_s: float) -> None:
    """Once `closing` is set, no task is taken any more; those in hand get `drain_s`, then they are handed back."""
    serving = [asyncio.create_task(worker.serve(closing)) for worker in workers]
    closed = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait([closed, *serving], return_when=asyncio.FIRST_COMPLETED)
        if closing.is_set():
            _, unfinished = await asyncio.wait(serving, timeout=drain_s)
            log.info("stopping: %d tasks are handed back", len(unfinished))
    finally:
        for task in (closed, *serving):
            task.cancel()
        await asyncio.wait([closed, *serving])
    for task in serving:
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
