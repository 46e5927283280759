"""What a worker tells about itself over HTTP: /livez, /readyz and /startupz for Kubernetes, /metrics for Prometheus."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.common.http_server import http_server

Probe = Callable[[], Awaitable[str]]
"""Says in one sentence why the worker cannot work now; empty when it can."""

_LONGEST_PROBE_S = 2.0


@asynccontextmanager
async def health_server(port: int, probe: Probe) -> AsyncIterator[int]:
    """Serves while the context lasts, on all interfaces; yields the port, which is chosen when `port` is 0.

    Started and live are the same here: the server comes up once the worker has all it needs. Raises OSError when the
    port is taken.
    """
    listening = socket.create_server(("0.0.0.0", port))
    async with http_server(_app(probe), listening):
        yield listening.getsockname()[1]


def _app(probe: Probe) -> Starlette:
    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(request: Request) -> Response:
        try:
            reason = await asyncio.wait_for(probe(), _LONGEST_PROBE_S)
        except TimeoutError:
            reason = "A server the worker depends on does not answer."
        return PlainTextResponse(f"{reason or 'ready'}\n", status_code=503 if reason else 200)

    async def measured(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [("/livez", alive), ("/startupz", alive), ("/readyz", ready), ("/metrics", measured)]
    return Starlette(routes=[Route(path, handler) for path, handler in routes])
