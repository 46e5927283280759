"""An event loop whose clock jumps to the next timer when nothing is left to do: hours pass in milliseconds."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.BaseEventLoop):
    """No threads, no files, no sockets. A program that waits for nothing that will come is a RuntimeError."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._selector = _Clockwork(self)

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        self._now_s += seconds

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits in another thread."""


class _Clockwork:
    """Stands where other loops ask the system what has happened."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout_s: float | None) -> list[Any]:
        if timeout_s is None:
            raise RuntimeError("everything waits for something that will never come")
        if timeout_s > 0:
            self._loop.advance(timeout_s)
        return []


def run_virtually(program: Coroutine[Any, Any, T]) -> T:
    """What `program` returns. Whatever it leaves running is canceled."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(program)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        return result
    finally:
        loop.close()
