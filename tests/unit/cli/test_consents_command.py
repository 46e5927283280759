"""Consents from the command line, in the folder of the embedded gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import Result
from port_suites.accounts import caller
from typer.testing import CliRunner

from cli.main import app
from gateway.clock import utc_now
from gateway.consents import Consents
from gateway.keys import Keys
from gateway.sqlite_documents import FILE_NAME, sqlite_documents
from gateway.submissions import Consent
from services.common.errors import ConsentInvalid, InvalidParameter


class Recorded(NamedTuple):
    data: Path
    account: str
    consents: tuple[str, str]


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[tuple[Keys, Consents]]:
    async with sqlite_documents(data / FILE_NAME) as documents:
        yield Keys(documents, utc_now), Consents(documents, utc_now)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """One consent that lasts, one that lasts for a day."""

    async def record() -> Recorded:
        async with opened(tmp_path) as (keys, consents):
            account = await keys.create_account("Acme")
            lasting = Consent(attested_by="Legal\x1b[2J [bold]", basis="contract")
            short = Consent(
                attested_by="Agent", basis="letter", scope="spring", expires_at=utc_now() + timedelta(days=1)
            )
            first, second = [await consents.record(caller(account), consent) for consent in (lasting, short)]
            return Recorded(tmp_path, account.id, (first, second))

    return asyncio.run(record())


def told(data: Path, *command: str) -> Result:
    return CliRunner().invoke(app, ["consents", *command, "--data", str(data)])


def test_consents_are_listed_with_what_they_say_and_whether_they_hold(recorded: Recorded) -> None:
    lines = told(recorded.data, "list", recorded.account).output.splitlines()

    by_id = {line.split()[0]: line for line in lines}
    assert set(by_id) == set(recorded.consents)
    lasting, short = (by_id[consent] for consent in recorded.consents)
    assert "  good  Legal\N{REPLACEMENT CHARACTER}[2J [bold]  contract  -" in lasting
    assert "  good until 2" in short
    assert short.endswith("  Agent  letter  spring")


def test_no_job_may_rest_on_a_revoked_consent(recorded: Recorded) -> None:
    revoked, kept = recorded.consents

    answer = told(recorded.data, "revoke", recorded.account, revoked, "--by", "Ada")

    assert answer.exit_code == 0
    assert answer.output.startswith("revoked 2")
    assert answer.output.endswith("by Ada\n")
    assert f"{revoked}  " in told(recorded.data, "list", recorded.account).output
    assert "  revoked 2" in told(recorded.data, "list", recorded.account).output

    async def check() -> None:
        async with opened(recorded.data) as (_, consents):
            await consents.check(recorded.account, kept, utc_now())
            with pytest.raises(ConsentInvalid, match="revoked"):
                await consents.check(recorded.account, revoked, utc_now())

    asyncio.run(check())


def test_what_is_not_there_is_named(recorded: Recorded) -> None:
    nobody = "0" * 32

    assert isinstance(told(recorded.data, "revoke", recorded.account, nobody).exception, ConsentInvalid)
    for command in (("list", nobody), ("revoke", nobody, recorded.consents[0])):
        assert isinstance(told(recorded.data, *command).exception, InvalidParameter)
