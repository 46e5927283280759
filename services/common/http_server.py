"""An HTTP server inside a process that has other things to do as well."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

FINISH_S = 5
"""How long answers may still take once the server is to end; watchers of events would stay for ever."""
_LOOK_S = 0.1


@dataclass(frozen=True)
class Tls:
    """PEM files."""

    chain: Path
    key: Path


@asynccontextmanager
async def http_server(app: ASGIApp, listening: socket.socket, tls: Tls | None = None) -> AsyncIterator[None]:
    """Answers on the socket while the context lasts."""
    # Connections inherit it. Without it an answer's body waits for the caller to acknowledge its head, 40 ms later.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        lifespan="off",
        http=H11Protocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_S,
        ssl_certfile=tls.chain if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving])


class _Server(uvicorn.Server):
    """Leaves the process's signals to the process, and does not wait for idle connections when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(super().shutdown(sockets))
        while not ending.done():
            for connection in self.server_state.connections:
                if isinstance(connection, H11Protocol) and _idle(connection):
                    _hear_no_more(connection)
            await asyncio.wait([ending], timeout=_LOOK_S)
        await ending


def _idle(connection: H11Protocol) -> bool:
    return connection.cycle is None or connection.cycle.response_complete


def _hear_no_more(connection: H11Protocol) -> None:
    """As if the peer had said its goodbye, for which TLS waits and which it may owe for ever. Nothing sent is lost."""
    with contextlib.suppress(OSError):  # it is closed already
        connection.transport.get_extra_info("socket").shutdown(socket.SHUT_RD)
