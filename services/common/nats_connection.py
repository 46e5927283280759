"""A process's one connection to NATS: refused with a clear error at the start, and from then on it comes back."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from services.common.errors import Unauthorized, Unavailable
from services.common.jetstream_calls import REQUEST_S, answered
from services.common.jetstream_names import WORK

log = logging.getLogger(__name__)

_RECONNECT_S = 0.25
_PING_S = 10
"""A server that answers neither of two pings in a row is given up, and the connection made anew."""


class Connection:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.streams: JetStreamContext = client.jetstream(timeout=REQUEST_S)

    async def check(self) -> None:
        """Raises Unavailable unless the server answers and has been set up."""
        await answered(lambda: self.streams.stream_info(WORK), pauses_s=())

    async def flush(self) -> None:
        """Returns once the server has seen everything that was sent before."""
        if not self.client.is_connected:
            raise nats.errors.ConnectionReconnectingError
        await self.client.flush(REQUEST_S)


@contextlib.asynccontextmanager
async def nats_connection(
    url: str, user: str, password: str, name: str, patience_s: float = 5.0
) -> AsyncIterator[Connection]:
    """`url` may name several servers, separated by commas; `name` is what the server's monitoring shows.

    Raises Unavailable when none of them answers within `patience_s`, and Unauthorized.
    """
    client = Client()
    try:
        await _connect(client, url, user, password, name, patience_s)
        yield Connection(client)
    finally:
        await client.close()


async def _connect(client: Client, url: str, user: str, password: str, name: str, patience_s: float) -> None:
    trouble: Exception | None = None
    refused = asyncio.Event()

    async def met(error: Exception) -> None:
        nonlocal trouble
        trouble = error
        if "authorization" in str(error).lower():
            refused.set()
        log.debug("NATS: %s", error)

    async def lost() -> None:
        if not client.is_closed:
            log.warning("the connection to NATS is lost; it is being made anew")

    async def came_back() -> None:
        log.info("the connection to NATS is back")

    connecting = asyncio.ensure_future(
        client.connect(
            url.split(","),
            user=user,
            password=password,
            name=name,
            error_cb=met,
            disconnected_cb=lost,
            reconnected_cb=came_back,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_S,  # type: ignore[arg-type]  # it is only slept for
            ping_interval=_PING_S,
            # What is sent while the connection is lost fails at once: sent later, a request for a task would be
            # answered when nobody waits any more.
            pending_size=0,
        )
    )
    refusal = asyncio.ensure_future(refused.wait())
    try:
        await asyncio.wait({connecting, refusal}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
            return
    except nats.errors.Error as error:  # such as an address that is none
        trouble = error
    finally:
        refusal.cancel()
        connecting.cancel()
        await asyncio.wait({connecting})
    if refused.is_set():
        raise Unauthorized(f"NATS at {url} refuses the user name or the password.")
    raise Unavailable(f"NATS at {url} cannot be reached: {trouble or 'no answer'}.")
