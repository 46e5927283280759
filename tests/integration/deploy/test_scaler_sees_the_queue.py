"""What the scaler reads from the broker's monitoring, as its jetstream trigger does."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from deployment.brokers import PASSWORD, USER, Broker, broker, of_compose
from deployment.manifests import OVERLAYS, Manifest, named, of_kind
from port_suites.job_records import job_record

from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_setup import set_up
from services.common.lanes import LANES, preprocess_task
from services.common.nats_connection import Connection, nats_connection

LONGEST_WAIT_S, LOOK_S = 10.0, 0.02


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(of_compose(), tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(scope="module")
async def connection(server: Broker) -> AsyncIterator[Connection]:
    async with nats_connection(server.url, USER, PASSWORD, "test") as connected:
        await set_up(connected)
        yield connected


@pytest.mark.parametrize("overlay", OVERLAYS)
async def test_every_consumer_is_there_after_the_bootstrap(
    overlay: str, server: Broker, connection: Connection
) -> None:
    """One that is missing would count as the whole stream, and the pool would grow to its maximum."""
    for scaled in of_kind(overlay, "ScaledObject"):
        assert _counts(server, scaled) == [(0, 0)] * LANES


async def test_a_task_counts_until_it_is_done(server: Broker, connection: Connection) -> None:
    scaled = named("production", "ScaledObject", "preprocess")
    bus = JetStreamBus(connection)

    await bus.publish(preprocess_task(job_record()))
    await _until(server, scaled, waiting=1, in_hand=0)
    delivery = await anext(bus.consume("preprocess"))
    await _until(server, scaled, waiting=0, in_hand=1)
    await delivery.ack()
    await _until(server, scaled, waiting=0, in_hand=0)


async def _until(server: Broker, scaled: Manifest, waiting: int, in_hand: int) -> None:
    """Monitoring runs a moment behind."""
    async with asyncio.timeout(LONGEST_WAIT_S):
        while [sum(counts) for counts in zip(*_counts(server, scaled), strict=True)] != [waiting, in_hand]:
            await asyncio.sleep(LOOK_S)


def _counts(server: Broker, scaled: Manifest) -> list[tuple[int, int]]:
    """What waits and what is in hand at each consumer; the scaler adds the two up."""
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    told = server.told(f"jsz?acc={triggers[0]['account']}&consumers=true&config=true")
    return [_count(told, trigger) for trigger in triggers]


def _count(told: Manifest, trigger: Manifest) -> tuple[int, int]:
    (account,) = (a for a in told["account_details"] if a["name"] == trigger["account"])
    (stream,) = (s for s in account["stream_detail"] if s["name"] == trigger["stream"])
    (consumer,) = (c for c in stream["consumer_detail"] if c["name"] == trigger["consumer"])
    return consumer["num_pending"], consumer["num_ack_pending"]
