"""Calls to JetStream: tried again while the trouble may pass, and every failure is one clear error."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from services.common.errors import InputError, Unavailable
from services.common.jetstream_names import WRITE

T = TypeVar("T")

REQUEST_S: Final = 2
"""How long a server may take to answer one request."""
_PAUSES_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Long enough for a server to restart; a cluster may take longer to elect a leader."""
_WRONG_LAST_SEQUENCE: Final = (10071, 10164)
"""The server's error codes for another last sequence than expected; the second is a cluster's, for one under way."""


async def answered(call: Callable[[], Awaitable[T]], pauses_s: tuple[float, ...] = _PAUSES_S) -> T:
    """What `call` returns; repeated after each of the pauses while it cannot be served, so it must bear repetition.

    Raises Unavailable and whatever else `call` raises.
    """
    pauses = iter(pauses_s)
    while True:
        try:
            return await call()
        except (OSError, nats.errors.Error) as error:
            trouble = _trouble(error)
            if not trouble:
                raise
            pause_s = next(pauses, None)
            if pause_s is None or isinstance(error, nats.errors.ConnectionClosedError):
                raise Unavailable(trouble) from error
        await asyncio.sleep(pause_s)


async def stored(
    streams: JetStreamContext,
    stream: str,
    subject: str,
    data: bytes,
    last: int = 0,
    headers: Mapping[str, str] | None = None,
) -> int | None:
    """Stores a message if the newest of its subject has the sequence number `last`, 0 meaning that there is none.

    Returns the new message's number, or None when `last` is not the newest. Raises InputError for one that is too long,
    and Unavailable: it may be stored then.
    """
    write, tries = uuid.uuid4().hex, 0

    async def publish() -> api.PubAck:
        nonlocal tries
        tries += 1
        conditions = {api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(last), WRITE: write}
        return await streams.publish(subject, data, stream=stream, headers={**(headers or {}), **conditions})

    try:
        return (await answered(publish)).seq
    except nats.errors.MaxPayloadError as error:
        raise InputError(f"NATS takes no message of {len(data)} bytes.", bytes=len(data)) from error
    except nats.js.errors.BadRequestError as error:
        if error.err_code not in _WRONG_LAST_SEQUENCE:
            raise
    return await _number_of(streams, stream, subject, write) if tries > 1 else None


async def _number_of(streams: JetStreamContext, stream: str, subject: str, write: str) -> int | None:
    """The sequence number that an earlier try got whose answer was lost; None if its message is not the newest."""
    try:
        newest = await answered(lambda: streams.get_last_msg(stream, subject))
    except nats.js.errors.NotFoundError:
        return None
    return newest.seq if (newest.headers or {}).get(WRITE) == write else None


def _trouble(error: Exception) -> str:
    """What an operator should read; empty for answers that are no trouble of the server's."""
    match error:
        case TimeoutError():
            return "NATS does not answer."
        case nats.errors.ConnectionClosedError() | nats.errors.ConnectionDrainingError():
            return "The connection to NATS is closed."
        case OSError() | nats.errors.ConnectionReconnectingError() | nats.errors.OutboundBufferLimitError():
            return "NATS cannot be reached."
        case nats.errors.NoRespondersError() | nats.js.errors.NoStreamResponseError():
            return "NATS has no leader for a stream or consumer, or lacks it; run python -m services.bootstrap first."
        case nats.js.errors.BucketNotFoundError() | nats.js.errors.NotFoundError(err_code=10059 | 10014):
            return "NATS lacks a stream or consumer; run python -m services.bootstrap first."
        case nats.js.errors.BadRequestError(err_code=10005):  # servers of a cluster have not found one another yet
            return "NATS has too few servers for the copies of a stream that are asked for."
        case nats.js.errors.ServiceUnavailableError() | nats.js.errors.ServerError():
            return f"NATS does not take this now: {error.description}."
    return ""
