"""A real server for each test module, set up, and empty at the beginning of each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
from nats_clients import connected

from services.common import jetstream_bus
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.jetstream_names import DEAD, DOCUMENTS, EVENTS, RECORDS, WORK
from services.common.jetstream_setup import LEASE_S, set_up
from services.common.nats_connection import Connection
from services.local.nats import NatsServer

pytest.importorskip("nats")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(scope="module")
def lease_s() -> float:
    """A module of its own may have shorter leases."""
    return LEASE_S


@pytest.fixture(scope="module")
async def prepared(server: NatsServer, lease_s: float) -> NatsServer:
    async with connected(server) as connection:
        await set_up(connection, lease_s=lease_s)
    return server


@pytest.fixture
async def connection(prepared: NatsServer) -> AsyncIterator[Connection]:
    """To a server that holds nothing."""
    async with connected(prepared) as connection:
        for stream in (WORK, DEAD, EVENTS, RECORDS, DOCUMENTS):
            await connection.streams.purge_stream(stream)
        yield connection


@pytest.fixture
def bus(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> JetStreamBus:
    monkeypatch.setattr(jetstream_bus, "LOOK_S", 0.1)
    return JetStreamBus(connection)


@pytest.fixture
def job_store(connection: Connection) -> JetStreamJobStore:
    return JetStreamJobStore(connection)
