"""A TCP port that leads to a server, well or badly."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

State = Literal["good", "dropped", "refused", "slow"]

_REFUSAL = b"<Error><Code>SlowDown</Code><Message>Later.</Message></Error>"
_ANSWER = b"HTTP/1.1 503 So\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
    len(_REFUSAL),
    _REFUSAL,
)
_SLOW_S = 0.4


class BadLink:
    """Its `state` counts for everything that passes from then on."""

    def __init__(self, url: str) -> None:
        self.state: State = "good"
        """dropped: connections break; refused: each gets status 503; slow: every piece waits a while."""
        self.url = ""
        self._to = urlsplit(url)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            if self.state == "dropped":
                return
            if self.state == "refused":
                await reader.read(1 << 16)
                writer.write(_ANSWER)
                await writer.drain()
                return
            onward_reader, onward_writer = await asyncio.open_connection(self._to.hostname, self._to.port)
            with contextlib.closing(onward_writer):
                await asyncio.gather(self._pump(reader, onward_writer), self._pump(onward_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while data := await reader.read(1 << 16):
                if self.state == "slow":
                    await asyncio.sleep(_SLOW_S)
                elif self.state != "good":
                    return
                writer.write(data)
                await writer.drain()
