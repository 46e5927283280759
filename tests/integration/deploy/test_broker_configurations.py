"""The brokers of the deployment: closed to strangers, durable, and three that outlive the loss of one."""

import asyncio
from pathlib import Path

import nats.errors
import pytest
from deployment.brokers import PASSWORD, USER, broker, cluster, of_compose, of_overlay
from nats.js import JetStreamContext, api

from services.common.errors import Unauthorized
from services.common.jetstream_setup import set_up
from services.common.nats_connection import nats_connection

PATIENCE_S = 30.0
ELECTION_LOOK_S = 0.25
CONFIGURATIONS = {"compose": of_compose(), "local": of_overlay("local")}


@pytest.mark.parametrize("body", CONFIGURATIONS)
async def test_a_broker_takes_the_password_as_it_is_and_no_other(body: str, tmp_path: Path) -> None:
    with broker(CONFIGURATIONS[body], tmp_path) as server:
        async with nats_connection(server.url, USER, PASSWORD, "test") as connection:
            await set_up(connection)
            await connection.check()
        with pytest.raises(Unauthorized):
            async with nats_connection(server.url, USER, "another", "test"):
                pass


@pytest.mark.parametrize("body", CONFIGURATIONS)
def test_a_broker_syncs_what_it_acknowledges(body: str, tmp_path: Path) -> None:
    with broker(CONFIGURATIONS[body], tmp_path) as server:
        assert server.told("jsz")["config"]["sync_always"]


async def test_three_brokers_find_each_other_and_keep_three_copies(tmp_path: Path) -> None:
    with cluster(of_overlay("production"), tmp_path) as servers:
        urls = ",".join(server.url for server in servers)
        async with nats_connection(urls, USER, PASSWORD, "test", patience_s=PATIENCE_S) as connection:
            async with asyncio.timeout(PATIENCE_S):
                while not (kept := await _three_copies(connection.streams)):
                    await asyncio.sleep(ELECTION_LOOK_S)
            await connection.streams.publish("kept", b"task")

        assert {kept.leader, *(peer.name for peer in kept.replicas)} == {"nats-0", "nats-1", "nats-2"}
        assert all(server.told("jsz")["config"]["sync_always"] for server in servers)


async def _three_copies(streams: JetStreamContext) -> api.ClusterInfo | None:
    """None until the three have elected a leader."""
    try:
        return (await streams.add_stream(name="KEPT", subjects=["kept"], num_replicas=3)).cluster
    except (nats.errors.Error, TimeoutError):
        return None
