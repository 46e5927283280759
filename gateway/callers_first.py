"""Who asks is found before a request's body is read: the framework reads it before it looks at what a route needs."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, NamedTuple

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.accounts import Caller
from gateway.asking import Needs, caller_of, find_caller
from gateway.body_sizes import FORM_BYTES
from gateway.front import Front
from services.common.errors import LipstageError

Told = Callable[[Request, LipstageError], Awaitable[Response]]
_FORM: Final = "multipart/form-data"


class _Keyed(NamedTuple):
    """A route that needs a key."""

    path: re.Pattern[str]
    methods: set[str]
    needs: Sequence[Needs]


class CallersFirst:
    """`told` answers errors; a form holds at most so many `files` of the size that the caller's account may send."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], front: Front, told: Told, files: int) -> None:
        self._app, self._front, self._told, self._files = app, front, told, files
        self._keyed = list(_keyed(routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route(scope) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            caller = await find_caller(request, self._front)
            for need in route.needs:
                need(caller)
        except LipstageError as error:
            refusal = await self._told(request, error)
            await refusal(scope, receive, send)
            return
        request.state.caller = caller
        is_form = request.headers.get("content-type", "").lower().startswith(_FORM)
        await self._app(scope, _limited(receive, self._at_most(caller)) if is_form else receive, send)

    def _route(self, scope: Scope) -> _Keyed | None:
        path, method = scope["path"].removeprefix(scope.get("root_path", "")), scope["method"]
        return next((route for route in self._keyed if method in route.methods and route.path.match(path)), None)

    def _at_most(self, caller: Caller) -> int:
        file_bytes = min(caller.account.limits.max_media_bytes, self._front.settings.max_media_bytes)
        return self._files * file_bytes + FORM_BYTES


def _keyed(routes: Sequence[BaseRoute]) -> Iterator[_Keyed]:
    for route in iter_route_contexts(routes):
        dependant: Dependant | None = getattr(route, "dependant", None)
        calls = [] if dependant is None else list(_calls(dependant))
        if caller_of in calls:
            yield _Keyed(route.path_regex, route.methods or set(), [call for call in calls if isinstance(call, Needs)])


def _calls(dependant: Dependant) -> Iterator[object]:
    for part in dependant.dependencies:
        yield part.call
        yield from _calls(part)


def _limited(receive: Receive, at_most_bytes: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > at_most_bytes:
            raise HTTPException(413, f"The form is larger than {at_most_bytes / (1 << 20):g} MiB.")
        return message

    return counted
