"""A way to a server on which things go wrong: the first connections meet one trouble each, later ones none."""

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from services.common.s3_client import S3Access

DROPPED = b""
"""The connection is closed without an answer."""
SILENCE: Literal["silence"] = "silence"
"""Nothing is ever answered."""
NONE: Literal["none"] = "none"
"""This connection reaches the server."""


@dataclasses.dataclass(frozen=True)
class Begun:
    """An answer of which nothing more comes after this."""

    part: bytes


Trouble = bytes | Begun | Literal["silence", "none"]


def refusal(status: int, code: str, message: str = "") -> bytes:
    """The whole answer of a server that refuses."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return answer(status, body, "application/xml")


def answer(status: int, body: bytes, content_type: str) -> bytes:
    head = f"HTTP/1.1 {status} So\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def troubled_path(access: S3Access, troubles: Sequence[Trouble]) -> AsyncIterator[S3Access]:
    """The same bucket by way of another port."""
    to = urlsplit(access.url)
    left = list(troubles)
    open_ways: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        open_ways[way] = writer
        way.add_done_callback(open_ways.pop)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            trouble = left.pop(0) if left else NONE
            if trouble != NONE:
                await _go_wrong(trouble, reader, writer)
                return
            onward_reader, onward_writer = await asyncio.open_connection(to.hostname, to.port)
            with contextlib.closing(onward_writer):
                await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield dataclasses.replace(access, url=f"http://127.0.0.1:{port}")
    finally:
        server.close()
        for writer in open_ways.values():
            writer.close()
        await asyncio.gather(*open_ways)


async def _go_wrong(trouble: Trouble, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if length := re.search(rb"content-length: (\d+)", head, re.IGNORECASE):
        await reader.readexactly(int(length[1]))
    if isinstance(trouble, bytes | Begun):
        writer.write(trouble if isinstance(trouble, bytes) else trouble.part)
        await writer.drain()
    if not isinstance(trouble, bytes):
        await reader.read()  # until the client goes


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()
