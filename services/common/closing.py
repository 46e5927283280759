"""Waiting that ends early when a worker is closing."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def item_unless(closing: asyncio.Event | None, waiting: Coroutine[Any, Any, T]) -> T | None:
    """What `waiting` returns, or None if `closing` is set first."""
    if closing is None:
        return await waiting
    getting = asyncio.ensure_future(waiting)
    closed = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait({getting, closed}, return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else None
    finally:
        getting.cancel()
        closed.cancel()
