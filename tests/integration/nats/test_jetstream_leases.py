"""What becomes of tasks whose workers die, hang or come late."""

import asyncio

import pytest
from port_suites.bus import chunk_task, following, publish, worked_off

from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_names import WORK
from services.common.nats_connection import Connection


@pytest.fixture(scope="module")
def lease_s() -> float:
    return 1.0


async def test_a_task_whose_lease_ended_is_another_workers(bus: JetStreamBus) -> None:
    await publish(bus, chunk_task(0))
    first = await following(bus.consume("denoise-1"))

    second = await following(bus.consume("denoise-1"))

    assert (first.attempt, second.attempt) == (1, 2)
    assert second.task == chunk_task(0)
    assert second.waited_s >= 1.0 > first.waited_s


async def test_an_extended_lease_does_not_end(bus: JetStreamBus) -> None:
    await publish(bus, chunk_task(0))
    first = await following(bus.consume("denoise-1"))
    other = asyncio.ensure_future(anext(bus.consume("denoise-1")))
    for _ in range(3):
        _, waiting = await asyncio.wait({other}, timeout=0.5)
        await first.extend()
    other.cancel()

    assert waiting == {other}


async def test_a_late_ack_ends_the_task_and_hurts_nobody(bus: JetStreamBus, connection: Connection) -> None:
    await publish(bus, chunk_task(0))
    late = await following(bus.consume("denoise-1"))
    second = await following(bus.consume("denoise-1"))

    await late.ack()
    await publish(bus, chunk_task(0))
    await second.ack()

    assert (await connection.streams.stream_info(WORK)).state.messages == 1
    assert await worked_off(bus, "denoise-1", 1) == [chunk_task(0)]
