"""Streams and consumers as the bootstrap makes them."""

import pytest
from port_suites.bus import chunk_task, publish, worked_off

from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_names import DOCUMENTS, EVENTS, RECORDS, WORK
from services.common.jetstream_setup import QUEUES, set_up
from services.common.nats_connection import Connection


async def test_setting_up_again_keeps_what_is_stored(bus: JetStreamBus, connection: Connection) -> None:
    await publish(bus, chunk_task(0))

    await set_up(connection)

    assert await worked_off(bus, "denoise-1", 1) == [chunk_task(0)]


async def test_setting_up_again_changes_what_differs(bus: JetStreamBus, connection: Connection) -> None:
    streams = connection.streams
    info = await streams.stream_info(EVENTS)
    await streams.update_stream(info.config, max_age=3600.0)
    await publish(bus, chunk_task(0))

    await set_up(connection, lease_s=12.0)

    assert (await streams.stream_info(EVENTS)).config.max_age == 7 * 24 * 3600
    assert (await streams.consumer_info(WORK, "denoise-1-1")).config.ack_wait == 12
    assert await worked_off(bus, "denoise-1", 1) == [chunk_task(0)]


async def test_every_queue_has_a_consumer_for_each_lane(connection: Connection) -> None:
    consumers = await connection.streams.consumers_info(WORK)

    assert QUEUES == ("preprocess", "denoise-1", "denoise-15", "denoise-16", "composite")
    assert sorted(consumer.name for consumer in consumers) == sorted(f"{q}-{lane}" for q in QUEUES for lane in range(4))


@pytest.mark.parametrize("bucket", [RECORDS, DOCUMENTS])
async def test_records_and_documents_are_read_from_where_they_were_written(connection: Connection, bucket: str) -> None:
    """Replicas may lag: a job that was just created would seem to be missing."""
    assert not (await connection.streams.stream_info(bucket)).config.allow_direct
