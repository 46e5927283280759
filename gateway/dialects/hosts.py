"""Requests that are meant for a hosted route's own address, by their Host or as a proxy is told, find their folder."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PROXY: Final = "/fal/proxy"
_TARGET: Final = b"x-fal-target-url"
FAL_HOSTS: Final = {
    "fal.run": "/fal/run",
    "queue.fal.run": "/fal/queue",
    "rest.fal.ai": "/fal/rest",
    "rest.alpha.fal.ai": "/fal/rest",
}
"""What fal's JavaScript client may name to a proxy."""


class HostRouting:
    """`hosts`: names that lead here, and the folder each stands for."""

    def __init__(self, app: ASGIApp, hosts: Mapping[str, str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["path"] == PROXY:
            await self._forward(scope, receive, send, headers.get(_TARGET, b"").decode("latin-1"))
            return
        host = headers.get(b"host", b"").decode("latin-1").partition(":")[0].lower()
        folder = self._hosts.get(host, "")
        await self._app(_at(scope, folder + scope["path"], scope["query_string"]) if folder else scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send, target: str) -> None:
        try:
            address = urlsplit(target)
        except ValueError:  # brackets without an address of IPv6 in them
            address = urlsplit("")
        folder = FAL_HOSTS.get(address.hostname or "")
        if folder is None or address.scheme != "https":
            refusal = JSONResponse({"detail": f"x-fal-target-url names none of {', '.join(FAL_HOSTS)}."}, 412)
            await refusal(scope, receive, send)
            return
        await self._app(_at(scope, folder + address.path, address.query.encode()), receive, send)


def _at(scope: Scope, path: str, query: bytes) -> Scope:
    return {**scope, "path": path, "raw_path": path.encode(), "query_string": query}
