"""What is told about a job: progress to whoever listens at the moment, and its end, which is kept."""

import contextlib
from collections.abc import AsyncIterator

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import NotFoundError

from services.common.errors import Unavailable
from services.common.jetstream_calls import answered, stored
from services.common.jetstream_names import EVENTS, end_subject, progress_subject
from services.common.messages import JobEvent
from services.common.nats_connection import Connection
from services.common.wire import decode_event, encode_event

LOOK_S = 5.0
"""How often a listener who hears nothing looks for the end: it may have been told while the connection was lost."""


async def announce(connection: Connection, event: JobEvent) -> None:
    data = encode_event(event)
    is_end = event.stage is None
    if is_end and await stored(connection.streams, EVENTS, end_subject(event.job_id), data) is None:
        return  # it was told before
    with contextlib.suppress(Unavailable):  # progress is not worth waiting for, and the end is kept
        await answered(lambda: connection.client.publish(progress_subject(event.job_id), data), pauses_s=())


@contextlib.asynccontextmanager
async def events(connection: Connection, job_id: str) -> AsyncIterator[AsyncIterator[JobEvent]]:
    heard = await answered(lambda: connection.client.subscribe(progress_subject(job_id)))
    try:
        await answered(connection.flush)
        yield _until_the_end(connection, job_id, heard)
    finally:
        with contextlib.suppress(nats.errors.Error):
            await heard.unsubscribe()


async def _until_the_end(connection: Connection, job_id: str, heard: Subscription) -> AsyncIterator[JobEvent]:
    while True:
        end = await _kept_end(connection, job_id)
        while end is None or heard.pending_msgs:
            message = await _next(heard)
            if message is None:
                break
            event = decode_event(message.data)
            yield event
            if event.stage is None:
                return
        if end is not None:
            yield end
            return


async def _kept_end(connection: Connection, job_id: str) -> JobEvent | None:
    look = connection.streams.get_last_msg
    try:
        message = await answered(lambda: look(EVENTS, end_subject(job_id)), pauses_s=())
    except NotFoundError:
        return None
    except Unavailable:  # outages are waited out
        if connection.client.is_closed:
            raise
        return None
    return decode_event(message.data or b"")


async def _next(heard: Subscription) -> Msg | None:
    with contextlib.suppress(nats.errors.Error):  # it was quiet, or the connection is closed: the next look tells
        return await heard.next_msg(LOOK_S)
    return None
