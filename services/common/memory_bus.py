"""The embedded bus: bounded queues in memory."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from services.common.closing import item_unless
from services.common.messages import JobEvent, Task
from services.common.tracing import carried


class MemoryBus:
    """Bus port in one process. A full queue makes `publish` wait, so a fast stage cannot outrun a slow one."""

    def __init__(self, queue_limit: int = 8) -> None:
        self._queues: defaultdict[str, _Queue] = defaultdict(lambda: _Queue(asyncio.Semaphore(queue_limit)))
        self._listeners: defaultdict[str, list[asyncio.Queue[JobEvent]]] = defaultdict(list)
        self._ends: dict[str, JobEvent] = {}

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


async def _until_the_end(listener: "asyncio.Queue[JobEvent]") -> AsyncIterator[JobEvent]:
    while (event := await listener.get()).stage is not None:
        yield event
    yield event
