"""What a process is told when it cannot begin."""

import asyncio
import time
from pathlib import Path

import pytest
from nats_clients import connected
from port_suites.bus import chunk_task
from port_suites.job_records import job_record

from services.common.errors import Unauthorized, Unavailable
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.nats_connection import nats_connection
from services.local.nats import NatsServer


async def test_a_wrong_password_is_said_at_once(server: NatsServer) -> None:
    started = time.monotonic()
    with pytest.raises(Unauthorized, match="refuses the user name or the password") as refusal:
        async with nats_connection(server.url, server.user, "not it", "test", patience_s=30):
            pass

    assert time.monotonic() - started < 5
    assert "not it" not in str(refusal.value)


async def test_a_server_that_is_not_there_is_said_after_a_while(server: NatsServer) -> None:
    with pytest.raises(Unavailable, match=r"nats://127\.0\.0\.1:1 cannot be reached: .*[Cc]onnect"):
        async with nats_connection("nats://127.0.0.1:1", "u", "p", "test", patience_s=0.3):
            pass


async def test_one_of_several_servers_is_enough(server: NatsServer) -> None:
    async with nats_connection(f"nats://127.0.0.1:1,{server.url}", server.user, server.password, "test") as connection:
        await connection.flush()


async def test_a_server_that_starts_late_is_waited_for(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as first:
        first.stop()
        connecting = connected(first)
        entering = asyncio.ensure_future(connecting.__aenter__())
        await asyncio.sleep(0.05)
        first.start()
        connection = await entering
        await connection.flush()
        await connecting.__aexit__(None, None, None)


async def test_a_server_that_was_not_set_up_is_said_with_the_remedy(server: NatsServer) -> None:
    async with connected(server) as connection:
        bus, jobs = JetStreamBus(connection), JetStreamJobStore(connection)
        refusals = await asyncio.gather(
            connection.check(),
            bus.publish(chunk_task(0)),
            anext(bus.consume("denoise-1")),
            jobs.create(job_record()),
            jobs.get("job"),
            anext(jobs.records()),
            return_exceptions=True,
        )

    assert [type(refusal) for refusal in refusals] == [Unavailable] * len(refusals)
    assert all("run python -m services.bootstrap first" in str(refusal) for refusal in refusals)
