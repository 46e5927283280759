"""A page of our own and what it is made of: read once, compressed once, kept by browsers, and asking nobody else."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_VERSION_MARK = b"{version}"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob: https: http:",  # pasted links, and results that lie on the object store's own address
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class _File:
    plain: bytes
    zipped: bytes
    content_type: str
    etag: str


def page_routes(page_path: str, parts_path: str, files: Mapping[str, bytes]) -> list[Route]:
    """Routes for the page, which is `index.html`, and for `{parts_path}/{version}/…`, where the other files are.

    The version is a hash of all files: the page asks for the very files it was made with, and they never expire.
    """
    version = sha256(b"".join(name.encode() + content for name, content in sorted(files.items()))).hexdigest()[:16]
    index = _file("index.html", files["index.html"].replace(_VERSION_MARK, version.encode()))
    parts = {name: _file(name, content) for name, content in files.items() if name != "index.html"}

    async def page(request: Request) -> Response:
        return _answer(request, index, _ASK_EACH_TIME)

    async def part(request: Request) -> Response:
        file = parts.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return _answer(request, file, _FOR_EVER if request.path_params["version"] == version else _ASK_EACH_TIME)

    return [Route(page_path, page), Route(f"{parts_path}/{{version}}/{{name}}", part)]


def _file(name: str, content: bytes) -> _File:
    etag = f'W/"{sha256(content).hexdigest()[:32]}"'
    return _File(content, gzip.compress(content, mtime=0), _TYPES[Path(name).suffix], etag)


def _answer(request: Request, file: _File, caching: str) -> Response:
    headers = {**_HEADERS, "Cache-Control": caching, "ETag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if not _takes_gzip(request.headers):
        return Response(file.plain, headers=headers, media_type=file.content_type)
    return Response(file.zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.content_type)


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    return "gzip" in headers.get("accept-encoding", "")
