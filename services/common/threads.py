"""Lets blocking generators be read from a coroutine."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import TypeVar

T = TypeVar("T")


async def in_thread(items: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Items of a blocking generator, each computed in a worker thread while other coroutines run.

    When the reader is canceled, the item being computed is waited for and the generator is closed, so that its own
    clean-up has run before the cancellation goes on.
    """
    end = object()
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, items, end))
            try:
                item = await asyncio.shield(step)
            except asyncio.CancelledError:
                await asyncio.wait([step])
                raise
            if item is end:
                return
            yield item  # type: ignore[misc]
    finally:
        items.close()
