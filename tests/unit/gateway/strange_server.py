"""Web servers of 127.x.x.x that answer byte for byte what a test wants, and remember who came."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Visit:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""


@dataclass
class StrangeServer:
    port: int
    connections: int = 0
    visits: list[Visit] = field(default_factory=list)

    def url(self, path: str = "/clip.mp4", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def sends(head: str, body: bytes = b"", stays: bool = False) -> Reply:
    """A head of lines, an empty line, the body, and, unless it stays, the end of the connection."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        if not stays:
            writer.close()

    return reply


def sends_file(body: bytes, more: str = "") -> Reply:
    return sends(f"HTTP/1.1 200 OK\nContent-Type: video/mp4\nContent-Length: {len(body)}{more}", body, stays=True)


def redirects_to(url: str, status: int = 302) -> Reply:
    return sends(f"HTTP/1.1 {status} Elsewhere\nLocation: {url}\nContent-Length: 0")


def keeps_sending(block: bytes, pause_s: float = 0.0) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(block), block))
            await writer.drain()
            await asyncio.sleep(pause_s)

    return reply


@asynccontextmanager
async def strange_server(
    replies: Mapping[str, Reply], host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[StrangeServer]:
    """Replies are told apart by the request's path."""
    at_work: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work[task] = writer
        task.add_done_callback(at_work.pop)
        server.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while not writer.is_closing():
                visit = _visit(await reader.readuntil(b"\r\n\r\n"))
                server.visits.append(visit)
                await replies[visit.path](writer)
                await writer.drain()

    listener = await asyncio.start_server(meet, host, port, ssl=tls)
    server = StrangeServer(listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for task, writer in list(at_work.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


def _visit(head: bytes) -> Visit:
    request, *lines = head.decode().strip().split("\r\n")
    method, path, _ = request.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return Visit(method, path, {name.lower(): value for name, value in headers.items()})
