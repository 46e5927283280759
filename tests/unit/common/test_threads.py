import asyncio
import threading
from collections.abc import Generator
from contextlib import aclosing

import pytest

from services.common.threads import in_thread

LONGEST_WAIT_S = 5.0


async def test_items_come_in_order_and_none_is_lost() -> None:
    assert [item async for item in in_thread(item for item in (3, None, 1))] == [3, None, 1]


async def test_items_are_computed_away_from_the_event_loop() -> None:
    def threads() -> Generator[int, None, None]:
        yield threading.get_ident()

    assert [item async for item in in_thread(threads())] != [threading.get_ident()]


async def test_other_coroutines_run_while_an_item_is_computed() -> None:
    done_by_another = threading.Event()

    def waiting() -> Generator[bool, None, None]:
        yield done_by_another.wait(LONGEST_WAIT_S)

    async def another() -> None:
        done_by_another.set()

    other = asyncio.ensure_future(another())

    assert [item async for item in in_thread(waiting())] == [True]
    assert other.done()


async def test_an_error_reaches_the_reader_after_the_items_before_it() -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken frame")

    items = in_thread(failing())

    assert await anext(items) == 1
    with pytest.raises(ValueError, match="broken frame"):
        await anext(items)


async def test_a_reader_that_stops_early_closes_the_generator() -> None:
    closed = []

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    async with aclosing(in_thread(endless())) as items:
        async for _ in items:
            break

    assert closed == [True]


async def test_cancelling_waits_for_the_item_being_computed_then_cleans_up() -> None:
    started, release = threading.Event(), threading.Event()
    log = []

    def slow() -> Generator[int, None, None]:
        try:
            started.set()
            release.wait(LONGEST_WAIT_S)
            log.append("computed")
            yield 1
        finally:
            log.append("cleaned up")

    async def read() -> None:
        async for _ in in_thread(slow()):
            log.append("read")

    reader = asyncio.ensure_future(read())
    await asyncio.to_thread(started.wait, LONGEST_WAIT_S)
    reader.cancel()
    _, still_waiting = await asyncio.wait({reader}, timeout=0.02)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert still_waiting == {reader}
    assert log == ["computed", "cleaned up"]
