"""`lipstage keys` against a running stack."""

import asyncio

import pytest

from cli import accounts, keys
from gateway.clock import utc_now
from gateway.jetstream_documents import JetStreamDocuments
from gateway.keys import Keys
from services.common.nats_connection import Connection
from services.local.nats import NatsServer


async def test_a_key_made_from_the_command_line_works_at_once(
    connection: Connection, server: NatsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"NATS_USER": server.user, "NATS_PASSWORD": server.password, "S3_ACCESS_KEY": "", "S3_SECRET_KEY": ""}
    for name, value in settings.items():
        monkeypatch.setenv(f"LIPSTAGE_{name}", value)
    await asyncio.to_thread(accounts.create, "Acme", via=server.url)
    account = capsys.readouterr().out.strip()

    await asyncio.to_thread(keys.create, account, "laptop", via=server.url)

    token = capsys.readouterr().out.strip()
    caller = await Keys(JetStreamDocuments(connection), utc_now).authenticate(token)
    assert (caller.account.id, caller.key.name) == (account, "laptop")
