"""An event loop whose clock jumps to the next timer when nothing is left to do: hours pass in milliseconds."""

import asyncio
import functools
import heapq
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class VirtualLoop(asyncio.BaseEventLoop):
    """No threads, no files, no sockets. A program that waits for what will never come ends with a RuntimeError."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        # What the base class does, but for asking the system for news: half of the time of a simulation went there.
        ready, timers = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            while timers and timers[0]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise RuntimeError("everything waits for something that will never come")
            self._now_s = max(self._now_s, timers[0]._when)
        while timers and timers[0]._when <= self._now_s:
            ready.append(heapq.heappop(timers))
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _write_to_self(self) -> None:
        """Nobody waits in another thread."""


def run_virtually(program: Coroutine[Any, Any, T]) -> T:
    """What `program` returns. Whatever it leaves running is canceled."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(program)
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
        return result
    finally:
        loop.close()


def virtually(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Lets a test that is a coroutine run in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_virtually(test(*args, **kwargs))

    return run
