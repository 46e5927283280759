"""An HTTP client for URLs that callers name: it connects only where the operator allows, whatever names resolve to.

A name is resolved once per connection, every address it has is checked, and the connection goes to an address that was
checked; certificates are still verified against the name. No connection serves a second request, no cookie is kept, and
proxies of the environment are not used.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Final

import httpx2

from gateway.addresses import UrlPolicy
from services.common.errors import UrlForbidden

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name for a TCP port, as text. Raises OSError when there are none."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_URL_LENGTH: Final = 8192
_ADDRESSES_TRIED: Final = 4

# It would log every URL at level INFO, signatures in queries included.
logging.getLogger("httpx2").setLevel(logging.WARNING)


async def resolve(host: str, port: int) -> list[str]:
    """By the operating system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def guarded_client(policy: UrlPolicy, timeouts: httpx2.Timeout, resolver: Resolver = resolve) -> httpx2.AsyncClient:
    """A client that follows no redirects; to be closed. Responses of strangers are to be streamed, never just read.

    Its requests raise UrlForbidden before anything is sent, and httpx2's own errors; a name without an address is a
    ConnectError. No error tells an address that a name resolved to.
    """
    return httpx2.AsyncClient(
        transport=_GuardedTransport(policy, resolver),
        timeout=timeouts,
        trust_env=False,
        follow_redirects=False,
        headers={"User-Agent": "lipstage"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


class _GuardedTransport(httpx2.AsyncBaseTransport):
    def __init__(self, policy: UrlPolicy, resolver: Resolver) -> None:
        self._policy, self._resolve = policy, resolver
        self._transport = httpx2.AsyncHTTPTransport(
            verify=_tls(policy.ca_file), trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._check_url(request.url)
        host = _host(request.url)
        addresses = await self._addresses(host, _port(request.url), request)
        last = addresses[-1]
        for address in addresses:
            try:
                return await self._transport.handle_async_request(_pinned(request, host, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if address == last:
                    raise
        raise AssertionError("the last address ends the loop")

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _check_url(self, url: httpx2.URL) -> None:
        if url.scheme not in _DEFAULT_PORTS or not url.host:
            raise UrlForbidden("Only http and https URLs with a host can be used.", scheme=url.scheme[:16])
        if len(str(url)) > _MAX_URL_LENGTH:
            raise UrlForbidden(f"The URL is longer than {_MAX_URL_LENGTH} characters.")
        if url.userinfo:
            raise UrlForbidden("A URL must not hold a user name or a password.")
        port = _port(url)
        if port not in self._policy.ports and port not in _DEFAULT_PORTS.values():
            raise UrlForbidden(f"Port {port} is not one that may be connected to.", port=port)

    async def _addresses(self, host: str, port: int, request: httpx2.Request) -> list[str]:
        try:
            found = list(dict.fromkeys(await self._resolve(host, port)))
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise httpx2.ConnectError(f"“{host}” has no address.", request=request)
        if not all(self._policy.allows(host, ipaddress.ip_address(address)) for address in found):
            raise UrlForbidden(f"“{host}” leads to an address that may not be connected to.", host=host)
        return found[:_ADDRESSES_TRIED]


def _host(url: httpx2.URL) -> str:
    return url.host.lower().rstrip(".")


def _port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else _DEFAULT_PORTS[url.scheme]


def _pinned(request: httpx2.Request, host: str, address: str) -> httpx2.Request:
    """The same request, `Host` header included, to one address."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


@lru_cache
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """Made once: reading the system's certificates takes longer than a connection."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
