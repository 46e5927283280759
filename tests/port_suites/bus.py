"""What every adapter of the Bus port does. An adapter's test derives from BusSuite.

It gives the fixture `bus`, a bus without tasks whose queues hold `QUEUE_LIMIT`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from services.common.messages import ChunkTask, FinishTask, JobEvent, SegmentTask, Task
from services.common.ports import Bus, Delivery

T = TypeVar("T")


class BusSuite:
    QUEUE_LIMIT = 3
    """The fixture's bus holds this many unfinished tasks in each queue."""
    LONGEST_WAIT_S = 5.0
    QUIET_S = 0.05
    """How long a publisher must be seen waiting to believe that it waits."""

    async def test_a_task_reaches_its_own_queue_only(self, bus: Bus) -> None:
        chunk, segment = chunk_task(0), SegmentTask(job_id="job", segment=0)
        await self._publish(bus, chunk, segment)

        assert await self._finished(bus, "denoise-1", 1) == [chunk]
        assert await self._finished(bus, "composite", 1) == [segment]

    async def test_a_consumer_gets_what_was_published_before_and_after_it_came(self, bus: Bus) -> None:
        await self._publish(bus, chunk_task(0))
        deliveries = bus.consume("denoise-1")
        before = await self._next(deliveries)
        await before.ack()
        await self._publish(bus, chunk_task(1))

        assert [before.task, (await self._next(deliveries)).task] == [chunk_task(0), chunk_task(1)]

    async def test_every_kind_of_task_arrives_as_it_was(self, bus: Bus) -> None:
        tasks: list[Task] = [SegmentTask(job_id="job", segment=7), FinishTask(job_id="job")]
        await self._publish(bus, *tasks)

        assert await self._finished(bus, "composite", 2) == tasks

    async def test_a_key_is_queued_once(self, bus: Bus) -> None:
        await self._publish(bus, chunk_task(0), chunk_task(0), chunk_task(1))

        assert await self._finished(bus, "denoise-1", 2) == [chunk_task(0), chunk_task(1)]

    async def test_a_key_is_queued_once_even_after_it_was_worked_off(self, bus: Bus) -> None:
        await self._publish(bus, chunk_task(0))
        await self._finished(bus, "denoise-1", 1)
        await self._publish(bus, chunk_task(0), chunk_task(1))

        assert await self._finished(bus, "denoise-1", 1) == [chunk_task(1)]

    async def test_the_same_chunk_of_two_jobs_is_two_tasks(self, bus: Bus) -> None:
        tasks = [chunk_task(0, job_id="one"), chunk_task(0, job_id="two")]
        await self._publish(bus, *tasks)

        assert await self._finished(bus, "denoise-1", 2) == tasks

    async def test_a_refused_task_comes_back(self, bus: Bus) -> None:
        await self._publish(bus, chunk_task(0))
        await (await self._next(bus.consume("denoise-1"))).nack()

        assert await self._finished(bus, "denoise-1", 1) == [chunk_task(0)]

    async def test_two_consumers_share_the_work(self, bus: Bus) -> None:
        await self._publish(bus, chunk_task(0), chunk_task(1))
        first = await self._next(bus.consume("denoise-1"))
        second = await self._next(bus.consume("denoise-1"))

        assert {first.task.key, second.task.key} == {chunk_task(0).key, chunk_task(1).key}

    async def test_publishing_waits_while_the_queue_is_full(self, bus: Bus) -> None:
        await self._publish(bus, *map(chunk_task, range(self.QUEUE_LIMIT)))
        one_more = asyncio.ensure_future(bus.publish(chunk_task(self.QUEUE_LIMIT)))
        _, waiting = await asyncio.wait({one_more}, timeout=self.QUIET_S)
        taken = await self._finished(bus, "denoise-1", 1)
        await self._soon(one_more)

        assert waiting == {one_more}
        assert taken == [chunk_task(0)]

    async def test_a_full_queue_stops_no_other(self, bus: Bus) -> None:
        await self._publish(bus, *map(chunk_task, range(self.QUEUE_LIMIT)))

        await self._publish(bus, FinishTask(job_id="job"))

        assert await self._finished(bus, "composite", 1) == [FinishTask(job_id="job")]

    async def test_events_reach_everyone_who_listens(self, bus: Bus) -> None:
        listeners = bus.events("job"), bus.events("job")
        await bus.announce(denoising(0.5))
        await bus.announce(denoising(1.0))

        for listener in listeners:
            assert [await self._next(listener), await self._next(listener)] == [denoising(0.5), denoising(1.0)]

    async def test_events_from_before_the_call_are_not_told(self, bus: Bus) -> None:
        await bus.announce(denoising(0.1))
        listener = bus.events("job")
        await bus.announce(denoising(0.2))

        assert await self._next(listener) == denoising(0.2)

    async def test_events_of_other_jobs_are_not_told(self, bus: Bus) -> None:
        listener = bus.events("job")
        await bus.announce(JobEvent(job_id="other", state="failed"))
        await bus.announce(JobEvent(job_id="job", state="completed"))

        assert await self._next(listener) == JobEvent(job_id="job", state="completed")

    async def _publish(self, bus: Bus, *tasks: Task) -> None:
        for task in tasks:
            await self._soon(bus.publish(task))

    async def _finished(self, bus: Bus, queue: str, count: int) -> list[Task]:
        """Takes and acknowledges the next tasks of a queue."""
        taken = []
        deliveries: AsyncIterator[Delivery] = bus.consume(queue)
        for _ in range(count):
            delivery = await self._next(deliveries)
            await delivery.ack()
            taken.append(delivery.task)
        return taken

    async def _next(self, items: AsyncIterator[T]) -> T:
        return await self._soon(anext(items))

    async def _soon(self, awaited: Awaitable[T]) -> T:
        return await asyncio.wait_for(awaited, self.LONGEST_WAIT_S)


def chunk_task(chunk: int, job_id: str = "job") -> ChunkTask:
    return ChunkTask(job_id=job_id, variant="1", chunk=chunk)


def denoising(share: float) -> JobEvent:
    return JobEvent(job_id="job", state="processing", stage="denoise", part=3, done=share, parts=None)
