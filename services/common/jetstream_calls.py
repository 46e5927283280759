"""Calls to JetStream: tried again while the trouble may pass, and every failure is one clear error."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from services.common.errors import Unavailable

T = TypeVar("T")

REQUEST_S: Final = 2
"""How long a server may take to answer one request."""
_PAUSES_S: Final = (0.1, 0.2, 0.4, 1.2)
"""Long enough for a server to restart or a cluster to elect a leader."""
_WRONG_LAST_SEQUENCE: Final = (10071, 10164)
"""The server's error codes for another last sequence than expected; the second is a cluster's, for one under way."""


async def answered(call: Callable[[], Awaitable[T]], pauses_s: tuple[float, ...] = _PAUSES_S) -> T:
    """What `call` returns; repeated after each of the pauses while it cannot be served, so it must bear repetition.

    Raises Unavailable and whatever else `call` raises.
    """
    for pause_s in pauses_s:
        try:
            return await call()
        except (OSError, nats.errors.Error) as error:
            if not _trouble(error):
                raise
        await asyncio.sleep(pause_s)
    try:
        return await call()
    except (OSError, nats.errors.Error) as error:
        if not (trouble := _trouble(error)):
            raise
        raise Unavailable(trouble) from error


async def stored(
    streams: JetStreamContext, subject: str, data: bytes, last: int = 0, headers: Mapping[str, str] | None = None
) -> int | None:
    """Stores a message if the newest of its subject has the sequence number `last`, 0 meaning that there is none.

    Returns the new message's number, or None when `last` is not the newest. Raises Unavailable: it may be stored then.
    """
    conditions = {
        **(headers or {}),
        api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(last),
        # By this a repetition after a lost answer gets that answer. A server that was killed may have forgotten it;
        # the repetition is then refused, for the message itself is there.
        api.Header.MSG_ID.value: uuid.uuid4().hex,
    }
    try:
        answer = await answered(lambda: streams.publish(subject, data, headers=conditions))
    except nats.js.errors.BadRequestError as error:
        if error.err_code in _WRONG_LAST_SEQUENCE:
            return None
        raise
    return answer.seq


def _trouble(error: Exception) -> str:
    """What an operator should read; empty for answers that are no trouble of the server's."""
    match error:
        case TimeoutError():
            return "NATS does not answer."
        case nats.errors.ConnectionClosedError() | nats.errors.ConnectionDrainingError():
            return "The connection to NATS is closed."
        case OSError() | nats.errors.ConnectionReconnectingError() | nats.errors.OutboundBufferLimitError():
            return "NATS cannot be reached."
        case (
            nats.errors.NoRespondersError()
            | nats.js.errors.NoStreamResponseError()
            | nats.js.errors.BucketNotFoundError()
            | nats.js.errors.NotFoundError(err_code=10059 | 10014)
        ):
            return "NATS lacks a stream or consumer, or a leader for it; run python -m services.bootstrap first."
        case nats.js.errors.ServiceUnavailableError() | nats.js.errors.ServerError():
            return f"NATS does not take this now: {error.description}."
    return ""
