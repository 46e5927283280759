"""What both drivers do alike: from a request to what httpx2 sends, and from its responses and errors to ours."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from pydantic_core import to_json

from lipstage.client.configuration import Configuration
from lipstage.client.errors import Unreachable, Untrusted
from lipstage.client.steps import Event, Reply, Request


@contextmanager
def arguments(request: Request, to: Configuration) -> Iterator[dict[str, Any]]:
    """For httpx2's `request` and `stream`."""
    asked: dict[str, Any] = {
        "method": request.method,
        "url": to.url(request),
        "params": request.query or None,
        "headers": to.headers(request),
    }
    if request.body is not None:
        asked["content"] = to_json(request.body)
        asked["headers"]["Content-Type"] = "application/json"
    if request.file is None:
        yield asked
        return
    with request.file.opened() as file:
        yield {**asked, "files": {"file": (request.file.name, file)}}


def reply_of(response: httpx2.Response, body: bytes = b"") -> Reply:
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def event_of(event: httpx2.ServerSentEvent) -> Event:
    return Event(event.event, event.data)


@contextmanager
def reaching(to: Configuration) -> Iterator[None]:
    try:
        yield
    except httpx2.TransportError as error:
        reason = str(error) or type(error).__name__
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            raise Untrusted("unavailable", f"{to.base_url} is not trusted: {reason}.") from error
        raise Unreachable("unavailable", f"{to.base_url} cannot be reached: {reason}.") from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
