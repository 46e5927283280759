"""Questions over core NATS: each goes to one of those who answer, and nothing of it is kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import nats.errors
from nats.aio.msg import Msg

from services.common import questions
from services.common.errors import MessageUnreadable, Unavailable
from services.common.jetstream_calls import answered
from services.common.jetstream_names import FACES
from services.common.messages import FacesAnswer, FacesQuestion
from services.common.nats_connection import Connection
from services.common.questions import NOBODY, TOO_SLOW, Answer, Reply, answer_in, in_hand, reply_to, told
from services.common.tracing import carried, context_of, tracer
from services.common.wire import decode_question, decode_reply, encode_question, encode_reply


async def ask(connection: Connection, question: FacesQuestion) -> FacesAnswer:
    data, client = encode_question(question), connection.client

    async def reply() -> Msg:
        try:
            return await client.request(FACES, data, timeout=questions.ANSWER_S, headers=carried())
        except nats.errors.NoRespondersError:
            raise Unavailable(NOBODY) from None
        except nats.errors.TimeoutError:
            raise Unavailable(TOO_SLOW) from None

    return answer_in(decode_reply((await answered(reply, pauses_s=())).data))


@contextlib.asynccontextmanager
async def answering(connection: Connection, answer: Answer) -> AsyncIterator[None]:
    async with in_hand() as tasks:

        async def take(message: Msg) -> None:
            task = asyncio.create_task(_replied(message, answer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async with _heard(connection, take):
            yield


@contextlib.asynccontextmanager
async def _heard(connection: Connection, take: Callable[[Msg], Awaitable[None]]) -> AsyncIterator[None]:
    client = connection.client
    subscription = await answered(lambda: client.subscribe(FACES, queue=FACES, cb=take))
    try:
        await answered(connection.flush)
        yield
    finally:
        with contextlib.suppress(nats.errors.Error):  # the server forgets whoever is gone
            if client.is_connected:
                await subscription.drain()  # type: ignore[no-untyped-call]
            else:
                await subscription.unsubscribe()


async def _replied(message: Msg, answer: Answer) -> Reply:
    with tracer.start_as_current_span(FACES, context_of(message.headers or {})):
        reply = await _reply(message.data, answer)
    with contextlib.suppress(nats.errors.Error):  # whoever asked waits in vain, but not for long
        await message.respond(encode_reply(reply))
    return reply


async def _reply(data: bytes, answer: Answer) -> Reply:
    try:
        question = decode_question(data)
    except MessageUnreadable as error:
        return told(error)
    return await reply_to(question, answer)
