"""The embedded bus: bounded queues in memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.common.messages import JobEvent, Task


@dataclass
class MemoryDelivery:
    task: Task
    _queue: "asyncio.Queue[Task]"

    async def ack(self) -> None:
        """Nothing to do: taking a task from a memory queue already removed it."""

    async def nack(self) -> None:
        await self._queue.put(self.task)


class MemoryBus:
    """Bus port in one process. A full queue makes `publish` wait, so a fast stage cannot outrun a slow one."""

    def __init__(self, queue_limit: int = 8) -> None:
        self._queues: defaultdict[str, asyncio.Queue[Task]] = defaultdict(lambda: asyncio.Queue(queue_limit))
        self._listeners: defaultdict[str, list[asyncio.Queue[JobEvent]]] = defaultdict(list)
        self._seen: set[str] = set()

    async def publish(self, task: Task) -> None:
        if task.key in self._seen:
            return
        self._seen.add(task.key)
        await self._queues[task.queue].put(task)

    async def consume(self, queue: str) -> AsyncIterator[MemoryDelivery]:
        tasks = self._queues[queue]
        while True:
            yield MemoryDelivery(await tasks.get(), tasks)

    async def announce(self, event: JobEvent) -> None:
        for listener in self._listeners[event.job_id]:
            listener.put_nowait(event)

    def events(self, job_id: str) -> AsyncIterator[JobEvent]:
        listener: asyncio.Queue[JobEvent] = asyncio.Queue()
        self._listeners[job_id].append(listener)
        return _received(listener)


async def _received(listener: "asyncio.Queue[JobEvent]") -> AsyncIterator[JobEvent]:
    while True:
        yield await listener.get()
