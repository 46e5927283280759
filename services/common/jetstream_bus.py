"""The production bus: JetStream work queues; the rest is in jetstream_events.py and jetstream_questions.py."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import nats.errors
from nats.aio.msg import Msg

from services.common import jetstream_events, jetstream_questions
from services.common.closing import item_unless
from services.common.errors import Unavailable
from services.common.jetstream_calls import answered, stored
from services.common.jetstream_delivery import JetStreamDelivery, take
from services.common.jetstream_names import WORK, consumer, news_subject, work_subject
from services.common.lanes import LANES, lane_orders
from services.common.messages import FacesAnswer, FacesQuestion, JobEvent, Task
from services.common.nats_connection import Connection
from services.common.questions import Answer
from services.common.tracing import carried
from services.common.wire import encode_task

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often an idle consumer looks for tasks that came back, which nothing tells of."""


class JetStreamBus:
    """Bus port. The server keeps any number of tasks, each until it is acknowledged or buried."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def publish(self, task: Task) -> None:
        """In a cluster a task counts as unfinished until its acknowledgement has reached the stream: milliseconds."""
        streams, client = self._connection.streams, self._connection.client
        if await stored(streams, WORK, work_subject(task), encode_task(task), headers=carried()):
            with contextlib.suppress(nats.errors.Error):  # they look by themselves before long
                await client.publish(news_subject(task.queue))

    async def consume(self, queue: str, closing: asyncio.Event | None = None) -> AsyncIterator[JetStreamDelivery]:
        """Raises Unavailable at the start, or once the connection is closed; later outages are waited out."""
        closing = closing or asyncio.Event()
        news = asyncio.Event()

        async def hear(_: Msg) -> None:
            news.set()

        await self._check(queue)
        hearing = await answered(lambda: self._connection.client.subscribe(news_subject(queue), cb=hear))
        orders = itertools.cycle(lane_orders())
        trouble = ""
        try:
            while not closing.is_set():
                news.clear()
                delivery = None
                try:
                    delivery = await self._first(queue, next(orders))
                    trouble = ""
                except Unavailable as error:
                    if self._connection.client.is_closed:
                        raise
                    if str(error) != trouble:
                        trouble = str(error)
                        log.warning("no tasks of %s for now: %s", queue, trouble)
                if delivery is None:
                    with contextlib.suppress(TimeoutError):
                        await item_unless(closing, asyncio.wait_for(news.wait(), LOOK_S))
                elif closing.is_set():
                    await delivery.nack()
                else:
                    yield delivery
        finally:
            with contextlib.suppress(nats.errors.Error):
                await hearing.unsubscribe()

    async def announce(self, event: JobEvent) -> None:
        await jetstream_events.announce(self._connection, event)

    def events(self, job_id: str) -> AbstractAsyncContextManager[AsyncIterator[JobEvent]]:
        return jetstream_events.events(self._connection, job_id)

    async def ask(self, question: FacesQuestion) -> FacesAnswer:
        return await jetstream_questions.ask(self._connection, question)

    def answering(self, answer: Answer) -> AbstractAsyncContextManager[None]:
        return jetstream_questions.answering(self._connection, answer)

    async def _check(self, queue: str) -> None:
        for lane in range(LANES):
            await answered(partial(self._connection.streams.consumer_info, WORK, consumer(queue, lane)))

    async def _first(self, queue: str, order: tuple[int, ...]) -> JetStreamDelivery | None:
        """The first task in this order of lanes; handed back if the caller is canceled while it is on its way."""
        looking = asyncio.ensure_future(self._look(queue, order))
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            with contextlib.suppress(Unavailable):
                if delivery := await looking:
                    await delivery.nack()
            raise

    async def _look(self, queue: str, order: tuple[int, ...]) -> JetStreamDelivery | None:
        for lane in order:
            if delivery := await take(self._connection, queue, lane):
                return delivery
        return None
