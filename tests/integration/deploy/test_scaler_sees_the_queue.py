"""What the scaler reads from the broker's monitoring, as its jetstream trigger does."""

from collections.abc import AsyncIterator, Iterator

import pytest
from deployment.brokers import PASSWORD, USER, Broker, broker
from deployment.manifests import OVERLAYS, ROOT, Manifest, named, of_kind
from port_suites.job_records import job_record

from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_setup import set_up
from services.common.lanes import preprocess_task
from services.common.nats_connection import Connection, nats_connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(ROOT / "docker" / "nats.conf", tmp_path_factory.mktemp("nats")) as running:
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
        assert _lags(server, scaled) == [0, 0, 0, 0]


async def test_a_task_counts_until_it_is_done(server: Broker, connection: Connection) -> None:
    scaled = named("production", "ScaledObject", "preprocess")
    bus = JetStreamBus(connection)

    await bus.publish(preprocess_task(job_record()))
    waiting = sum(_lags(server, scaled))
    delivery = await anext(bus.consume("preprocess"))
    in_hand = sum(_lags(server, scaled))
    await delivery.ack()

    assert (waiting, in_hand, sum(_lags(server, scaled))) == (1, 1, 0)


def _lags(server: Broker, scaled: Manifest) -> list[int]:
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    told = server.told(f"jsz?acc={triggers[0]['account']}&consumers=true&config=true")
    return [_lag(told, trigger) for trigger in triggers]


def _lag(told: Manifest, trigger: Manifest) -> int:
    (account,) = (a for a in told["account_details"] if a["name"] == trigger["account"])
    (stream,) = (s for s in account["stream_detail"] if s["name"] == trigger["stream"])
    (consumer,) = (c for c in stream["consumer_detail"] if c["name"] == trigger["consumer"])
    return int(consumer["num_pending"] + consumer["num_ack_pending"])
