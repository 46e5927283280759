import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from nats_clients import connected
from port_suites.documents import NAME, DocumentsSuite, Tally, counting

from gateway.documents import Collection
from gateway.jetstream_documents import JetStreamDocuments
from services.common import memory_owner
from services.common.errors import InputError, StaleRecord
from services.common.jetstream_calls import stored
from services.common.jetstream_names import DOCUMENTS, document_subject
from services.common.jetstream_setup import set_up
from services.common.nats_connection import Connection
from services.local.nats import NatsServer

MOST_AT_ONCE = 100_000
"""How many subjects the server tells in one answer."""


@pytest.fixture
def documents(connection: Connection) -> JetStreamDocuments:
    return JetStreamDocuments(connection)


class TestJetStreamDocuments(DocumentsSuite):
    """The suite with this file's `documents`."""


async def test_changes_over_ten_connections_lose_nothing(documents: JetStreamDocuments, prepared: NatsServer) -> None:
    await Collection(documents, "tallies", Tally).create("one", Tally())
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(connected(prepared)) for _ in range(10)]
        tallies = [Collection(JetStreamDocuments(connection), "tallies", Tally) for connection in connections]

        await asyncio.gather(*(tallies[number % 10].change("one", counting(number)) for number in range(30)))

        assert sorted((await tallies[0].get("one")).counted) == list(range(30))


async def test_deletion_leaves_nothing_behind(documents: JetStreamDocuments, connection: Connection) -> None:
    for value in (b"first", b"second"):
        await documents.create(NAME, value)
        await documents.delete(NAME)

    assert (await connection.streams.stream_info(DOCUMENTS)).state.messages == 0


async def test_a_deletion_that_was_cut_off_has_deleted(documents: JetStreamDocuments, connection: Connection) -> None:
    revision = await documents.create(NAME, b"value")
    await stored(connection.streams, DOCUMENTS, document_subject(NAME), b"", revision, {"KV-Operation": "DEL"})

    with pytest.raises(StaleRecord):
        await documents.update(NAME, b"late", revision)
    again = await documents.create(NAME, b"again")

    assert await documents.get(NAME) == (b"again", again)
    await documents.delete(NAME)
    assert (await connection.streams.stream_info(DOCUMENTS)).state.messages == 0


async def test_of_a_deletion_and_an_update_at_once_the_deletion_is_last(documents: JetStreamDocuments) -> None:
    for _ in range(20):
        revision = await documents.create(NAME, b"value")

        await asyncio.gather(
            documents.update(NAME, b"changed", revision), documents.delete(NAME), return_exceptions=True
        )

        assert await documents.names("notes/") == []


async def test_what_no_message_can_hold_is_refused(documents: JetStreamDocuments) -> None:
    with pytest.raises(InputError, match="NATS takes no message"):
        await documents.create(NAME, bytes(2 << 20))

    assert await documents.names("notes/") == []


async def test_a_listing_longer_than_one_answer_is_complete() -> None:
    # In memory, where the sync of each message costs nothing.
    with TemporaryDirectory(dir=memory_owner.FOLDER) as folder, NatsServer(Path(folder)) as server:
        async with connected(server) as connection:
            await set_up(connection)
            names = [f"notes/{number:06}" for number in range(MOST_AT_ONCE + 1)]
            for name in names:
                await connection.client.publish(document_subject(name), b"")
            await connection.flush()
            while (await connection.streams.stream_info(DOCUMENTS)).state.messages < len(names):
                await asyncio.sleep(0.02)

            assert await JetStreamDocuments(connection).names("notes/") == names
