import asyncio
from contextlib import AsyncExitStack

import pytest
from nats_clients import connected
from port_suites.bus import (
    ANSWER,
    COMPLETED,
    QUESTION,
    BusSuite,
    answered_with,
    chunk_task,
    denoising,
    following,
    gathered,
    publish,
    soon,
    worked_off,
)
from port_suites.job_records import job_record

from services.common import jetstream_bus, jetstream_delivery, jetstream_events, questions
from services.common.errors import MessageUnreadable, Unavailable
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_calls import stored
from services.common.jetstream_names import (
    DEAD,
    EVENTS,
    FACES,
    REASON,
    WORK,
    end_subject,
    progress_subject,
    work_subject,
)
from services.common.lanes import chunk_task as lane_task
from services.common.messages import ChunkTask, FacesAnswer, FacesQuestion
from services.common.nats_connection import Connection
from services.common.wire import decode_reply, decode_task, encode_event
from services.local.nats import NatsServer


class TestJetStreamBus(BusSuite):
    pass


async def test_an_idle_consumer_is_told_once_a_task_can_be_taken(
    bus: JetStreamBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_bus, "LOOK_S", 60.0)
    deliveries = bus.consume("denoise-1")
    for chunk in range(30):
        taking = asyncio.ensure_future(following(deliveries))
        await asyncio.sleep(0.02)
        await publish(bus, chunk_task(chunk))
        await (await taking).ack()


async def test_a_small_job_does_not_wait_for_a_long_one(bus: JetStreamBus) -> None:
    long, small = job_record("long"), job_record("small")
    await publish(bus, *(lane_task(long, chunk) for chunk in range(200)))
    deliveries = bus.consume("denoise-1")
    for _ in range(20):
        await (await following(deliveries)).ack()
    await publish(bus, *(lane_task(small, chunk) for chunk in range(3)))

    jobs = [(await following(deliveries)).task.job_id for _ in range(6)]

    assert jobs.count("small") == 3


async def test_the_rest_of_a_long_job_is_not_starved_by_small_ones(bus: JetStreamBus) -> None:
    await publish(bus, lane_task(job_record("long"), 150))
    await publish(bus, *(lane_task(job_record(f"small-{job}"), 0) for job in range(30)))
    deliveries = bus.consume("denoise-1")

    jobs = [(await following(deliveries)).task.job_id for _ in range(16)]

    assert "long" in jobs


async def test_a_buried_task_lies_in_the_stream_of_the_dead_with_its_reason(
    bus: JetStreamBus, connection: Connection
) -> None:
    await publish(bus, chunk_task(7))
    await (await following(bus.consume("denoise-1"))).bury("no_face: Nobody is seen\nin “clip 日本”.")

    dead = await connection.streams.subscribe("dead.>", stream=DEAD, ordered_consumer=True)
    buried = await dead.next_msg()
    await dead.unsubscribe()

    assert buried.subject == "dead.denoise-1.job.chunk-7"
    assert decode_task(buried.data) == chunk_task(7)
    assert (buried.headers or {})[REASON] == "no_face: Nobody is seen in “clip 日本”."


async def test_a_message_that_cannot_be_read_is_buried_and_stops_nobody(
    bus: JetStreamBus, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_delivery, "_READERS", 2)
    monkeypatch.setattr(jetstream_delivery, "_UNTIL_NEXT_READER_S", 0.0)
    await stored(connection.streams, WORK, work_subject(chunk_task(0)), b"\xff\xff")
    await publish(bus, chunk_task(1))

    assert await worked_off(bus, "denoise-1", 1) == [chunk_task(1)]
    idle = asyncio.ensure_future(anext(bus.consume("denoise-1")))
    while not (await connection.streams.stream_info(DEAD)).state.messages:
        await asyncio.sleep(0.02)
    idle.cancel()
    buried = await connection.streams.get_last_msg(DEAD, "dead.denoise-1.job.chunk-0")
    assert (buried.headers or {})[REASON].startswith("message_unreadable: ")


async def test_an_end_announced_over_many_connections_is_told_once(
    bus: JetStreamBus, connection: Connection, prepared: NatsServer
) -> None:
    told = await connection.client.subscribe(progress_subject("job"))
    await connection.flush()
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(connected(prepared)) for _ in range(10)]
        await asyncio.gather(*(JetStreamBus(other).announce(COMPLETED) for other in others))
        await asyncio.gather(*(other.flush() for other in others))
    await connection.flush()

    assert told.pending_msgs == 1
    assert (await connection.streams.stream_info(EVENTS)).state.messages == 1


async def test_an_end_whose_telling_was_cut_off_is_heard(
    bus: JetStreamBus, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_events, "LOOK_S", 0.1)
    async with bus.events("job") as listener:
        await bus.announce(denoising(1.0))
        first = await following(listener)
        await stored(connection.streams, EVENTS, end_subject("job"), encode_event(COMPLETED))

        assert [first, *await soon(gathered(listener))] == [denoising(1.0), COMPLETED]


async def test_a_consumer_canceled_at_any_moment_takes_no_task_with_it(bus: JetStreamBus) -> None:
    tasks = [chunk_task(chunk) for chunk in range(12)]
    taken: list[ChunkTask] = []
    await publish(bus, *tasks)
    for moments in range(0, 120, 5):
        deliveries = bus.consume("denoise-1")
        taking = asyncio.ensure_future(anext(deliveries))
        for _ in range(moments):
            await asyncio.sleep(0.0002)
        taking.cancel()
        await asyncio.wait({taking})
        if not taking.cancelled():
            await taking.result().ack()
            taken.append(taking.result().task)
        await deliveries.aclose()

    taken += await worked_off(bus, "denoise-1", len(tasks) - len(taken))

    assert len(taken) > 0
    assert sorted(task.chunk for task in taken) == [task.chunk for task in tasks]


async def test_a_question_is_answered_over_another_connection(bus: JetStreamBus, prepared: NatsServer) -> None:
    async with connected(prepared) as other, JetStreamBus(other).answering(answered_with(ANSWER)):
        assert await soon(bus.ask(QUESTION)) == ANSWER


async def test_a_question_outlives_its_answerers_connection_by_no_more_than_it_may_wait(
    bus: JetStreamBus, prepared: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "ANSWER_S", 0.3)
    async with connected(prepared) as other:

        async def answer(question: FacesQuestion) -> FacesAnswer:
            await other.client.close()
            return ANSWER

        async with JetStreamBus(other).answering(answer):
            with pytest.raises(Unavailable, match="in time"):
                await asyncio.wait_for(bus.ask(QUESTION), 2)


async def test_a_question_that_cannot_be_read_is_told_so(bus: JetStreamBus, connection: Connection) -> None:
    async with bus.answering(answered_with(ANSWER)):
        message = await connection.client.request(FACES, b"\xff\xff", timeout=5)

    reply = decode_reply(message.data)
    assert not isinstance(reply, FacesAnswer)
    assert reply.code == MessageUnreadable.code
