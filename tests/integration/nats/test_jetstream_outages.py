"""A server that is killed, away, and back."""

import asyncio
import os
import signal

import pytest
from port_suites.bus import ANSWER, COMPLETED, QUESTION, answered_with, chunk_task, following, publish, soon, worked_off
from port_suites.job_records import job_record

from gateway.jetstream_documents import JetStreamDocuments
from services.common.errors import Unavailable
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_calls import REQUEST_S
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.messages import FinishTask
from services.common.nats_connection import Connection
from services.local.nats import NatsServer


@pytest.fixture(scope="module")
def lease_s() -> float:
    return 1.0


async def test_tasks_survive_a_kill_and_none_is_queued_twice(
    bus: JetStreamBus, connection: Connection, server: NatsServer
) -> None:
    tasks = [chunk_task(chunk) for chunk in range(40)]
    await publish(bus, *tasks[:30])
    await killed(server, connection)
    server.start()
    await publish(bus, *tasks)

    taken = await worked_off(bus, "denoise-1", len(tasks))

    assert sorted(task.chunk for task in taken) == list(range(40))
    await publish(bus, chunk_task(99))
    assert await worked_off(bus, "denoise-1", 1) == [chunk_task(99)]


async def test_a_task_in_hand_at_a_kill_comes_again(
    bus: JetStreamBus, connection: Connection, server: NatsServer
) -> None:
    await publish(bus, chunk_task(0))
    in_hand = await following(bus.consume("denoise-1"))
    await killed(server, connection)
    server.start()

    again = await following(bus.consume("denoise-1"))
    await again.ack()

    assert again.task == in_hand.task
    await publish(bus, chunk_task(0), chunk_task(1))
    assert len(await worked_off(bus, "denoise-1", 2)) == 2


async def test_publishing_rides_over_a_restart(bus: JetStreamBus, server: NatsServer) -> None:
    server.kill()  # which the connection has not noticed when the first task is sent
    publishing = asyncio.ensure_future(publish(bus, *(chunk_task(chunk) for chunk in range(5))))
    await asyncio.sleep(0.05)
    server.start()
    await publishing

    assert len(await worked_off(bus, "denoise-1", 5)) == 5


async def test_an_update_whose_answer_came_too_late_is_one_update(
    job_store: JetStreamJobStore, server: NatsServer
) -> None:
    await job_store.create(job_record())
    _, revision = await job_store.get("job")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        updating = asyncio.ensure_future(job_store.update(job_record(chunks=1), revision))
        await asyncio.sleep(REQUEST_S + 0.3)  # it has been sent for the second time
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert await soon(updating) == revision + 1
    assert await job_store.get("job") == (job_record(chunks=1), revision + 1)


async def test_while_the_server_is_away_everything_is_unavailable_and_works_again_afterwards(
    bus: JetStreamBus, job_store: JetStreamJobStore, connection: Connection, server: NatsServer
) -> None:
    documents = JetStreamDocuments(connection)
    await publish(bus, FinishTask(job_id="job"))
    delivery = await following(bus.consume("composite"))
    await job_store.create(job_record())
    await killed(server, connection)

    refusals = await asyncio.gather(
        bus.publish(chunk_task(1)),
        bus.announce(COMPLETED),
        anext(bus.consume("denoise-1")),
        bus.events("job").__aenter__(),
        bus.ask(QUESTION),
        bus.answering(answered_with(ANSWER)).__aenter__(),
        delivery.ack(),
        delivery.extend(),
        job_store.create(job_record("another")),
        job_store.get("job"),
        job_store.update(job_record(chunks=1), 1),
        anext(job_store.records()),
        documents.create("notes/one", b""),
        documents.get("notes/one"),
        documents.update("notes/one", b"", 1),
        documents.delete("notes/one"),
        documents.names("notes/"),
        connection.check(),
        return_exceptions=True,
    )
    server.start()
    await publish(bus, chunk_task(1))

    assert [type(refusal) for refusal in refusals] == [Unavailable] * len(refusals)
    assert all(str(refusal).startswith("NATS ") for refusal in refusals)
    assert await worked_off(bus, "denoise-1", 1) == [chunk_task(1)]
    assert (await job_store.get("job"))[0] == job_record()
    await connection.check()


async def test_a_waiting_consumer_and_a_listener_outlive_a_restart(
    bus: JetStreamBus, connection: Connection, server: NatsServer
) -> None:
    async with bus.events("job") as listener:
        deliveries = bus.consume("denoise-1")
        await publish(bus, chunk_task(0))
        await (await following(deliveries)).ack()
        hearing, taking = asyncio.ensure_future(anext(listener)), asyncio.ensure_future(anext(deliveries))
        await killed(server, connection)
        server.start()
        await publish(bus, chunk_task(1))
        await bus.announce(COMPLETED)

        assert (await soon(taking)).task == chunk_task(1)
        assert await soon(hearing) == COMPLETED


async def test_who_answers_still_does_after_a_restart(
    bus: JetStreamBus, connection: Connection, server: NatsServer
) -> None:
    async with bus.answering(answered_with(ANSWER)):
        await killed(server, connection)
        server.start()
        while not connection.client.is_connected:
            await asyncio.sleep(0.01)
        await connection.flush()

        assert await soon(bus.ask(QUESTION)) == ANSWER


async def test_a_closed_connection_ends_those_who_wait(bus: JetStreamBus, connection: Connection) -> None:
    taking = asyncio.ensure_future(following(bus.consume("denoise-1")))
    async with bus.events("job") as listener:
        hearing = asyncio.ensure_future(following(listener))
        await publish(bus, chunk_task(0))
        await taking
        taking = asyncio.ensure_future(following(bus.consume("denoise-1")))
        await connection.flush()
        await connection.client.close()

        for waiting in (taking, hearing):
            with pytest.raises(Unavailable, match="connection to NATS is closed"):
                await waiting


async def killed(server: NatsServer, connection: Connection) -> None:
    """Returns once the connection has noticed."""
    server.kill()
    while connection.client.is_connected:
        await asyncio.sleep(0.01)
