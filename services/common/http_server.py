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

FINISH_S = 5
"""How long answers may still take once the server is to end; watchers of events would stay for ever."""


@dataclass(frozen=True)
class Tls:
    """PEM files."""

    chain: Path
    key: Path


@asynccontextmanager
async def http_server(app: ASGIApp, listening: socket.socket, tls: Tls | None = None) -> AsyncIterator[None]:
    """Answers on the socket while the context lasts."""
    config = uvicorn.Config(
        app,
        lifespan="off",
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
    """Leaves the process's signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
