"""A web server that answers what a test has written down, and remembers what it was asked."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import create_server
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.common.http_server import http_server

JOB = {
    "id": "0192",
    "state": "created",
    "created_at": "2026-11-22T12:00:00Z",
    "parameters": {"steps": 20},
    "priority": "normal",
    "progress": [],
    "field_of_a_later_version": 1,
}
COMPLETED = {**JOB, "state": "completed", "outcomes": {"dubbed": 16}}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedGateway:
    url: str
    asked: list[Asked] = field(default_factory=list)
    _script: defaultdict[str, list[Response]] = field(default_factory=lambda: defaultdict(list))

    def answers(self, what: str, *replies: Response) -> None:
        """`what` is method and path; replies are given in order."""
        self._script[what] += replies

    async def answer(self, request: Request) -> Response:
        path, body = request.url.path, await request.body()
        self.asked.append(Asked(request.method, path, dict(request.query_params), dict(request.headers), body))
        return self._script[f"{request.method} {path}"].pop(0)


@asynccontextmanager
async def scripted_gateway() -> AsyncIterator[ScriptedGateway]:
    listening = create_server(("127.0.0.1", 0))
    gateway = ScriptedGateway(f"http://127.0.0.1:{listening.getsockname()[1]}")
    answer: Callable[[Request], Awaitable[Response]] = gateway.answer
    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "DELETE"])])
    async with http_server(app, listening):
        yield gateway


def problem(status: int, code: str = "invalid_input", **headers: str) -> Response:
    return JSONResponse({"title": "No", "status": status, "detail": f"It is {code}.", "code": code}, status, headers)


def json(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status)


def uploaded(number: int) -> Response:
    return JSONResponse(
        {
            "id": str(number),
            "source": f"upload:{number}",
            "bytes": 1,
            "sha256": "ab",
            "content_type": "video/mp4",
            "filename": "",
            "expires_at": "2026-11-22T12:00:00Z",
            "probe": {},
        },
        201,
    )


def breaking_off(status: int, headers: dict[str, str], *pieces: bytes) -> Response:
    """Sends the pieces, then loses the connection."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        raise ConnectionAbortedError("as the test wants it")

    return StreamingResponse(body(), status, headers)


def endless(left: asyncio.Event, *told: tuple[str, str]) -> Response:
    """Events that go on until the caller leaves, which is then told."""

    async def body() -> AsyncIterator[bytes]:
        try:
            yield events(*told)
            await asyncio.Event().wait()
        finally:
            left.set()

    return StreamingResponse(body(), media_type="text/event-stream")


def events(*told: tuple[str, str]) -> bytes:
    return b"".join(f"event: {kind}\r\ndata: {data}\r\n\r\n".encode() for kind, data in told)


def event_stream(*told: tuple[str, str]) -> Response:
    return Response(events(*told), media_type="text/event-stream")
