import asyncio

import pytest
from port_suites.bus import BusSuite, chunk_task, publish, soon, worked_off

from services.common.memory_bus import MemoryBus
from services.common.messages import FinishTask

QUEUE_LIMIT = 3
QUIET_S = 0.05
"""How long a publisher must be seen waiting to believe that it waits."""


class TestMemoryBus(BusSuite):
    @pytest.fixture
    def bus(self) -> MemoryBus:
        return MemoryBus()


@pytest.fixture
async def full() -> MemoryBus:
    """A bus whose queue of chunks is full."""
    bus = MemoryBus(QUEUE_LIMIT)
    await publish(bus, *map(chunk_task, range(QUEUE_LIMIT)))
    return bus


async def test_publishing_waits_while_the_queue_is_full(full: MemoryBus) -> None:
    one_more = asyncio.ensure_future(full.publish(chunk_task(QUEUE_LIMIT)))
    _, waiting = await asyncio.wait({one_more}, timeout=QUIET_S)
    taken = await worked_off(full, "denoise-1", 1)
    await soon(one_more)

    assert waiting == {one_more}
    assert taken == [chunk_task(0)]


async def test_a_full_queue_stops_no_other(full: MemoryBus) -> None:
    await publish(full, FinishTask(job_id="job"))

    assert await worked_off(full, "composite", 1) == [FinishTask(job_id="job")]


async def test_a_task_handed_back_makes_no_room_a_second_time(full: MemoryBus) -> None:
    deliveries = full.consume("denoise-1")
    for _ in range(QUEUE_LIMIT + 1):
        await (await soon(anext(deliveries))).nack()
    await publish(full, *(chunk_task(chunk) for chunk in range(QUEUE_LIMIT, 2 * QUEUE_LIMIT)))

    one_more = asyncio.ensure_future(full.publish(chunk_task(2 * QUEUE_LIMIT)))
    _, waiting = await asyncio.wait({one_more}, timeout=QUIET_S)
    one_more.cancel()

    assert waiting == {one_more}
