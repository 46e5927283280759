"""Receivers of webhooks on 127.0.0.1 that answer as a test wants, and remember what they were sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class WebhookReceiver:
    port: int
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def met(self, times: int) -> None:
        while len(self.received) < times:
            self.arrived.clear()
            await self.arrived.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=hidden"


def says(status: int, *headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", "Content-Length: 0", *headers]
        writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())

    return answer


async def says_nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def never_ends(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(1 << 16))
        await writer.drain()


def says_when(allowed: asyncio.Event, status: int) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await allowed.wait()
        await says(status)(writer)

    return answer


@asynccontextmanager
async def webhook_receiver(*answers: Answer) -> AsyncIterator[WebhookReceiver]:
    """Gives one answer after another, the last one again and again."""
    at_work: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        task.add_done_callback(at_work.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            received = await _received(reader)
            receiver.received.append(received)
            receiver.arrived.set()
            receiver.at_once += 1
            receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
            try:
                await answers[min(len(receiver.received), len(answers)) - 1](writer)
            finally:
                receiver.at_once -= 1
            await writer.drain()

    listener = await asyncio.start_server(meet, "127.0.0.1", 0)
    receiver = WebhookReceiver(listener.sockets[0].getsockname()[1])
    try:
        yield receiver
    finally:
        listener.close()
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


async def _received(reader: asyncio.StreamReader) -> Received:
    request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Received(request.split(" ")[1], headers, body)
