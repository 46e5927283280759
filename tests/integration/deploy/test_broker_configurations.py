"""The brokers of the deployment: closed to strangers, durable, and three that outlive the loss of one."""

import asyncio
from pathlib import Path

import pytest
from deployment.brokers import PASSWORD, USER, broker, cluster
from deployment.manifests import ROOT
from port_suites.job_records import job_record

from services.common.errors import Unauthorized
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_names import WORK
from services.common.jetstream_setup import set_up
from services.common.lanes import preprocess_task
from services.common.nats_connection import nats_connection

PATIENCE_S = 20.0
CLUSTER = ROOT / "k8s" / "base" / "nats" / "nats.conf"
CONFIGURATIONS = {"compose": ROOT / "docker" / "nats.conf", "local": ROOT / "k8s" / "overlays" / "local" / "nats.conf"}


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


async def test_three_brokers_keep_every_task_when_one_is_lost(tmp_path: Path) -> None:
    with cluster(CLUSTER, tmp_path) as servers:
        assert all(server.told("jsz")["config"]["sync_always"] for server in servers)
        urls = ",".join(server.url for server in servers)
        async with nats_connection(urls, USER, PASSWORD, "test", patience_s=PATIENCE_S) as connection:
            bus = JetStreamBus(connection)
            await set_up(connection, replicas=3)
            await bus.publish(preprocess_task(job_record()))
            work = await connection.streams.stream_info(WORK)

            (leader,) = (server for server in servers if server.told("varz")["server_name"] == work.cluster.leader)
            leader.process.kill()
            delivery = await asyncio.wait_for(anext(bus.consume("preprocess")), PATIENCE_S)

            assert delivery.task == preprocess_task(job_record())
            await delivery.ack()
