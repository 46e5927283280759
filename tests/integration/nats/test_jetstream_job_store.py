import asyncio
from contextlib import AsyncExitStack

import pytest
from nats_clients import connected
from port_suites.job_records import job_record
from port_suites.job_store import JobStoreSuite

from services.common.errors import StaleRecord
from services.common.jetstream_calls import stored
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.jetstream_names import RECORDS, record_subject
from services.common.nats_connection import Connection
from services.local.nats import NatsServer


class TestJetStreamJobStore(JobStoreSuite):
    pass


async def test_of_fifty_writers_over_ten_connections_one_wins(
    job_store: JetStreamJobStore, prepared: NatsServer
) -> None:
    await job_store.create(job_record())
    _, revision = await job_store.get("job")
    async with AsyncExitStack() as stack:
        stores = [JetStreamJobStore(await stack.enter_async_context(connected(prepared))) for _ in range(10)]

        answers = await asyncio.gather(
            *(stores[writer % 10].update(job_record(chunks=writer + 1), revision) for writer in range(50)),
            return_exceptions=True,
        )

    winners = [writer for writer, answer in enumerate(answers) if not isinstance(answer, StaleRecord)]
    assert len(winners) == 1
    assert await job_store.get("job") == (job_record(chunks=winners[0] + 1), answers[winners[0]])


async def test_a_record_that_cannot_be_read_hides_no_other(
    job_store: JetStreamJobStore, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await job_store.create(job_record("one"))
    await stored(connection.streams, RECORDS, record_subject("damaged"), b"\xff\xff")
    await job_store.create(job_record("two"))

    assert {record.id async for record, _ in job_store.records()} == {"one", "two"}
    assert "the record of job damaged is passed over" in caplog.text


async def test_a_listing_longer_than_any_buffer_is_complete(job_store: JetStreamJobStore) -> None:
    ids = {f"job-{number}" for number in range(300)}
    for begin in range(0, 300, 100):
        await asyncio.gather(*(job_store.create(job_record(f"job-{begin + number}")) for number in range(100)))

    assert {record.id async for record, _ in job_store.records()} == ids
