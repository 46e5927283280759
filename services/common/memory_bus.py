"""The embedded bus: bounded queues in memory."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from services.common import questions
from services.common.closing import item_unless
from services.common.errors import Unavailable
from services.common.messages import FacesAnswer, FacesQuestion, JobEvent, Task
from services.common.questions import NOBODY, TOO_SLOW, Answer, Reply, answer_in, in_hand, reply_to
from services.common.tracing import carried


class MemoryBus:
    """Bus port in one process. A full queue makes `publish` wait, so a fast stage cannot outrun a slow one."""

    def __init__(self, queue_limit: int = 8) -> None:
        self._queues: defaultdict[str, _Queue] = defaultdict(lambda: _Queue(asyncio.Semaphore(queue_limit)))
        self._listeners: defaultdict[str, list[asyncio.Queue[JobEvent]]] = defaultdict(list)
        self._ends: dict[str, JobEvent] = {}
        self._answerers: deque[_Answerer] = deque()

    async def publish(self, task: Task) -> None:
        queue = self._queues[task.queue]
        if task.key in queue.unfinished:
            return
        queue.unfinished.add(task.key)
        await queue.room.acquire()
        queue.waiting.put_nowait(MemoryDelivery(task, queue, carried()))

    async def consume(self, queue: str, closing: asyncio.Event | None = None) -> AsyncIterator["MemoryDelivery"]:
        closing = closing or asyncio.Event()
        while not closing.is_set() and (delivery := await item_unless(closing, self._queues[queue].waiting.get())):
            if delivery.attempt == 0:
                self._queues[queue].room.release()
            delivery.attempt += 1
            yield delivery

    async def announce(self, event: JobEvent) -> None:
        if event.stage is None:
            if event.job_id in self._ends:
                return
            self._ends[event.job_id] = event
        for listener in self._listeners[event.job_id]:
            listener.put_nowait(event)

    @contextlib.asynccontextmanager
    async def events(self, job_id: str) -> AsyncIterator[AsyncIterator[JobEvent]]:
        listener: asyncio.Queue[JobEvent] = asyncio.Queue()
        if job_id in self._ends:
            listener.put_nowait(self._ends[job_id])
        self._listeners[job_id].append(listener)
        try:
            yield _until_the_end(listener)
        finally:
            self._listeners[job_id].remove(listener)

    async def ask(self, question: FacesQuestion) -> FacesAnswer:
        if not self._answerers:
            raise Unavailable(NOBODY)
        self._answerers.rotate()
        return answer_in(await self._answerers[0].reply(question))

    @contextlib.asynccontextmanager
    async def answering(self, answer: Answer) -> AsyncIterator[None]:
        async with in_hand() as tasks:
            answerer = _Answerer(answer, tasks)
            self._answerers.append(answerer)
            try:
                yield
            finally:
                self._answerers.remove(answerer)


@dataclass
class _Queue:
    room: asyncio.Semaphore
    waiting: "asyncio.Queue[MemoryDelivery]" = field(default_factory=asyncio.Queue)
    unfinished: set[str] = field(default_factory=set)


@dataclass
class MemoryDelivery:
    """Its lease lasts as long as the process."""

    task: Task
    _queue: _Queue
    trace: Mapping[str, str]
    attempt: int = 0
    waited_s: float = 0.0

    async def ack(self) -> None:
        self._queue.unfinished.discard(self.task.key)

    async def nack(self, delay_s: float = 0.0) -> None:
        asyncio.get_running_loop().call_later(delay_s, self._queue.waiting.put_nowait, self)

    async def extend(self) -> None:
        """Nothing to do."""

    async def bury(self, reason: str) -> None:
        await self.ack()


@dataclass(eq=False)
class _Answerer:
    answer: Answer
    in_hand: set["asyncio.Task[Reply]"]

    async def reply(self, question: FacesQuestion) -> Reply:
        task = asyncio.create_task(reply_to(question, self.answer))
        self.in_hand.add(task)
        task.add_done_callback(self.in_hand.discard)
        await asyncio.wait({task}, timeout=questions.ANSWER_S)
        if not task.done():
            raise Unavailable(TOO_SLOW)
        return task.result()


async def _until_the_end(listener: "asyncio.Queue[JobEvent]") -> AsyncIterator[JobEvent]:
    while (event := await listener.get()).stage is not None:
        yield event
    yield event
