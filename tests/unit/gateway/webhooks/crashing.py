"""A gateway process that dies before or after anything it does to the world, and a receiver of its webhooks."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx2

from gateway.memory_documents import MemoryDocuments
from gateway.webhooks.messages import Message

T = TypeVar("T")

STOPPED_S = 35
"""Longer than a lease, and so that another process is posting when a stopped one goes on."""

BEGIN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def virtual_now() -> datetime:
    return BEGIN + timedelta(seconds=asyncio.get_running_loop().time())


class Process:
    """Dies at the `dies_at`th point, and stands still at the `stops_at`th; points are counted from 1."""

    def __init__(self, dies_at: int | None = None, stops_at: int | None = None) -> None:
        self.dies_at, self.stops_at = dies_at, stops_at
        self.points = 0
        self.alive = True
        self._running: asyncio.Task[Any] | None = None

    async def run(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether it lived to the end."""
        self._running = asyncio.create_task(work)
        try:
            await self._running
        except asyncio.CancelledError:
            if self.alive:
                raise
        return self.alive

    async def call(self, effect: Callable[[], Awaitable[T]]) -> T:
        await self.point()
        try:
            return await effect()
        finally:
            await self.point()

    async def point(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError
        self.points += 1
        if self.points == self.dies_at:
            self.alive = False
            if self._running:
                self._running.cancel()
            raise asyncio.CancelledError
        await asyncio.sleep(STOPPED_S if self.points == self.stops_at else 0.001)


class ProcessDocuments:
    """Documents port: the shared documents, as a process reaches them."""

    def __init__(self, process: Process, shared: MemoryDocuments) -> None:
        self._process, self._shared = process, shared

    async def create(self, name: str, value: bytes) -> int:
        return await self._process.call(lambda: self._shared.create(name, value))

    async def get(self, name: str) -> tuple[bytes, int]:
        return await self._process.call(lambda: self._shared.get(name))

    async def update(self, name: str, value: bytes, revision: int) -> int:
        return await self._process.call(lambda: self._shared.update(name, value, revision))

    async def delete(self, name: str) -> None:
        await self._process.call(lambda: self._shared.delete(name))

    async def names(self, prefix: str) -> list[str]:
        return await self._process.call(lambda: self._shared.names(prefix))


@dataclass
class Receiver:
    """Answers by its script, one word for each request, and with 200 once that has ended.

    `down`: it cannot be reached. `slow`: it takes the message, but answers too late. `lost`: it takes the message and
    the connection breaks. `error`: it answers 500.
    """

    script: list[str] = field(default_factory=list)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    """Id and body of each message that arrived."""
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0

    async def receive(self, request: httpx2.Request) -> httpx2.Response:
        mood = self.script.pop(0) if self.script else "fine"
        if mood == "down":
            raise httpx2.ConnectError("refused", request=request)
        message = request.headers["webhook-id"]
        self.at_once[message] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[message])
        try:
            self.taken.append((message, await request.aread()))
            await asyncio.sleep(11 if mood == "slow" else 0.01)
        finally:
            self.at_once[message] -= 1
        if mood == "lost":
            raise httpx2.ReadError("reset", request=request)
        return httpx2.Response(500 if mood == "error" else 200)


class ProcessTransport(httpx2.AsyncBaseTransport):
    """The way from a process to the receiver."""

    def __init__(self, process: Process, receiver: Receiver) -> None:
        self._process, self._receiver = process, receiver

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._process.call(lambda: self._receiver.receive(request))


class PlainSigner:
    """Signer. Knows no accounts."""

    async def headers(self, message: Message, now: datetime) -> dict[str, str]:
        return {"webhook-id": message.id}
