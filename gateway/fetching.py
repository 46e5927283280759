"""Fetching media from a URL that a caller names, to a file, within limits."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import httpx2

from gateway.addresses import UrlPolicy
from gateway.guarded_client import Resolver, guarded_client, resolve
from gateway.incoming_file import Fetched, IncomingFile, incoming_file
from services.common.errors import UrlForbidden, UrlTimeout, UrlUnreachable

MAX_REDIRECTS: Final = 5
_BLOCK_BYTES: Final = 1 << 20
_HEADERS: Final = {"Accept": "video/*, audio/*, */*;q=0.5", "Accept-Encoding": "identity"}
_MAX_NAME_LENGTH: Final = 120


@dataclass(frozen=True)
class FetchLimits:
    max_bytes: int
    total_s: float = 600.0
    """From the first look-up to the last byte."""
    idle_s: float = 20.0
    """The longest wait for a connection, and for each next byte."""


async def fetch(
    url: str, target: Path, limits: FetchLimits, policy: UrlPolicy, resolver: Resolver = resolve
) -> Fetched:
    """Streams what is at `url` to the file `target`, which is there afterwards, or not at all.

    Raises UrlForbidden, UrlUnreachable, UrlTimeout, MediaTooLarge, DiskFull, OutputUnwritable. No error tells an
    address that a name resolved to.
    """
    try:
        async with (
            asyncio.timeout(limits.total_s),
            guarded_client(policy, httpx2.Timeout(limits.idle_s), resolver) as client,
            _answer(client, url) as answer,
        ):
            return await _save(answer, target, limits)
    except TimeoutError as error:
        raise UrlTimeout(f"The URL took longer than {limits.total_s:g} s.", limit_s=limits.total_s) from error
    except httpx2.TimeoutException as error:
        raise UrlTimeout(f"Nothing came from the URL for {limits.idle_s:g} s.", limit_s=limits.idle_s) from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise UrlForbidden("The URL is malformed.") from error
    except httpx2.HTTPError as error:
        raise UrlUnreachable("The URL cannot be reached, or its server broke off.") from error


@asynccontextmanager
async def _answer(client: httpx2.AsyncClient, url: str) -> AsyncIterator[httpx2.Response]:
    """The response with status 200 that `url` leads to, its body not read yet."""
    request: httpx2.Request | None = client.build_request("GET", url, headers=_HEADERS)
    for _ in range(MAX_REDIRECTS + 1):
        if request is None:
            raise UrlUnreachable("The URL redirects to something that is not a URL.")
        response = await client.send(request, stream=True)
        try:
            if not response.has_redirect_location:
                _check(response)
                yield response
                return
        finally:
            await response.aclose()
        request = response.next_request
        if request and response.url.scheme == "https" and request.url.scheme != "https":
            raise UrlForbidden("The URL redirects from https to an address that is not https.")
    raise UrlUnreachable(f"The URL redirects more than {MAX_REDIRECTS} times.", redirects=MAX_REDIRECTS)


def _check(response: httpx2.Response) -> None:
    if response.status_code != httpx2.codes.OK:
        raise UrlUnreachable(
            f"The URL's server answers {response.status_code} instead of 200.", status=response.status_code
        )
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UrlUnreachable("The URL's server compresses the file although it was asked not to.")


async def _save(response: httpx2.Response, target: Path, limits: FetchLimits) -> Fetched:
    with incoming_file(target, limits.max_bytes) as file:
        file.expect(_declared_bytes(response))
        async for block in response.aiter_raw(_BLOCK_BYTES):
            await asyncio.to_thread(file.write, block)
    return _fetched(response, file)


def _declared_bytes(response: httpx2.Response) -> int:
    declared = response.headers.get("Content-Length", "")
    return int(declared) if re.fullmatch(r"[0-9]{1,18}", declared) else 0


def _fetched(response: httpx2.Response, file: IncomingFile) -> Fetched:
    headers = Message()
    headers["Content-Type"] = response.headers.get("Content-Type", "")
    headers["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return Fetched(
        sha256=file.sha256,
        bytes=file.bytes,
        content_type=headers.get_content_type() if "Content-Type" in response.headers else None,
        final_url=str(response.url),
        filename=_printable_name(headers.get_filename() or unquote(response.url.path)),
    )


def _printable_name(name: str) -> str | None:
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return printable[-_MAX_NAME_LENGTH:] or None
