"""A task taken from a JetStream work queue."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.js import api

from services.common.errors import MessageUnreadable, Unavailable
from services.common.jetstream_calls import REQUEST_S, answered, stored
from services.common.jetstream_names import DEAD, REASON, WORK, consumer, dead_subject
from services.common.messages import Task
from services.common.nats_connection import Connection
from services.common.wire import decode_task

_ACK_PAUSES_S = (1.0,)
"""Enough for a server to restart; one that has forgotten the delivery will never answer."""
_ONE_IF_ANY = b'{"batch":1,"no_wait":true}'
_NONE = (api.StatusCode.NO_MESSAGES, api.StatusCode.REQUEST_TIMEOUT)
_READERS = 12
"""How many workers may fail to read a task before it is buried: during an upgrade some are older than the task."""
_UNTIL_NEXT_READER_S = 5.0


@dataclass
class JetStreamDelivery:
    """Its lease is the consumer's `ack_wait`."""

    task: Task
    attempt: int
    waited_s: float
    trace: Mapping[str, str]
    _message: Msg
    _connection: Connection

    async def ack(self) -> None:
        """Waits for the server's word: until then a task of the same key would not be queued.

        A server that was killed may have forgotten the delivery: it says nothing then, and the task comes again.
        """
        await _acknowledge(self._message)

    async def nack(self, delay_s: float = 0.0) -> None:
        await answered(lambda: self._message.nak(delay_s), pauses_s=())

    async def extend(self) -> None:
        await answered(self._message.in_progress, pauses_s=())

    async def bury(self, reason: str) -> None:
        await _bury(self._connection, self._message, reason)


async def take(connection: Connection, queue: str, lane: int) -> JetStreamDelivery | None:
    """The next task of the lane, or None when there is none at the moment. Raises Unavailable."""
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{WORK}.{consumer(queue, lane)}"
    # The other style of request finds its answer by the subject, but a task comes under the subject it was queued with.
    request = connection.client.request
    message = await answered(lambda: request(subject, _ONE_IF_ANY, REQUEST_S, old_style=True), pauses_s=())
    headers = message.headers or {}
    if status := headers.get(api.Header.STATUS):
        if status in _NONE:
            return None
        raise Unavailable(f"NATS gives no task now: {headers.get(api.Header.DESCRIPTION)}.")
    attempt = message.metadata.num_delivered
    try:
        task = decode_task(message.data)
    except MessageUnreadable as error:
        if attempt < _READERS:
            await answered(lambda: message.nak(_UNTIL_NEXT_READER_S), pauses_s=())
        else:
            await _bury(connection, message, f"{error.code}: {error}")
        return None
    waited_s = max(0.0, time.time() - message.metadata.timestamp.timestamp())
    trace = {name: value for name, value in headers.items() if not name.startswith(("Nats-", "Lipstage-"))}
    return JetStreamDelivery(task, attempt, waited_s, trace, message, connection)


async def _bury(connection: Connection, message: Msg, reason: str) -> None:
    await stored(connection.streams, DEAD, dead_subject(message.subject), message.data, headers={REASON: reason})
    await _acknowledge(message)


async def _acknowledge(message: Msg) -> None:
    await answered(lambda: message.ack_sync(REQUEST_S), _ACK_PAUSES_S)
