"""The ledger from the command line, in the folder of the embedded gateway."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from gateway.billing.entries import Charge
from gateway.billing.ledger import Balance, Ledger
from gateway.billing.plans import load_plans
from gateway.clock import utc_now
from gateway.documents import Documents
from gateway.keys import Keys
from gateway.sqlite_documents import FILE_NAME, sqlite_documents
from services.common.errors import InvalidParameter

JOB = "1" * 32


class Charged(NamedTuple):
    data: Path
    account: str


@pytest.fixture
def charged(tmp_path: Path) -> Charged:
    """An account that owes $0.90 for one job."""
    account = ""

    async def charge(documents: Documents) -> None:
        nonlocal account
        account = (await Keys(documents, utc_now).create_account("Acme")).id
        plan = load_plans()["per-5-seconds"]
        await Ledger(documents).charge(
            Charge(account=account, job=JOB, plan=plan, microseconds=30_000_000, amount=900_000, at=utc_now())
        )

    on_documents(tmp_path, charge)
    return Charged(tmp_path, account)


def on_documents(data: Path, work: Callable[[Documents], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with sqlite_documents(data / FILE_NAME) as documents:
            await work(documents)

    asyncio.run(opened())


def told(charged: Charged, *command: str) -> Result:
    return CliRunner().invoke(app, ["ledger", *command, "--data", str(charged.data)])


def test_an_untouched_ledger_verifies(charged: Charged) -> None:
    answer = told(charged, "verify", charged.account)

    assert (answer.exit_code, answer.output) == (0, "Every entry is as it was written.\n")


def test_a_changed_entry_is_shown_and_ends_with_one(charged: Charged) -> None:
    async def change(documents: Documents) -> None:
        name = f"charges/{charged.account}/{JOB}"
        stored, revision = await documents.get(name)
        await documents.update(name, json.dumps(json.loads(stored) | {"amount": 1}).encode(), revision)

    on_documents(charged.data, change)

    answer = told(charged, "verify", charged.account)

    assert answer.exit_code == 1
    assert f"charges/{JOB}" in answer.output
    assert "Its hash" in answer.output


def test_a_charge_is_given_back_once(charged: Charged) -> None:
    answers = [
        told(charged, "refund", charged.account, JOB, "--reason", reason, "--by", "Ada")
        for reason in ("no sound", "no sound, asked again")
    ]

    assert [answer.exit_code for answer in answers] == [0, 0]
    assert answers[0].output == answers[1].output
    assert answers[0].output.startswith("refunded $0.90 2")
    assert answers[0].output.endswith(" by Ada: no sound\n")

    async def balanced(documents: Documents) -> None:
        balance = await Ledger(documents).balance(charged.account)
        assert balance == Balance(jobs=1, microseconds=30_000_000, charged=900_000, credited=900_000)

    on_documents(charged.data, balanced)


@pytest.mark.parametrize(
    ("job", "reason", "sentence"),
    [("2" * 32, "no sound", "was not charged"), (JOB, "", "reason: "), (JOB, "x" * 501, "reason: ")],
)
def test_a_refund_that_cannot_be_is_refused(charged: Charged, job: str, reason: str, sentence: str) -> None:
    answer = told(charged, "refund", charged.account, job, "--reason", reason)

    assert isinstance(answer.exception, InvalidParameter)
    assert sentence in str(answer.exception)


def test_an_account_that_does_not_exist_does_not_pass_for_an_intact_one(charged: Charged) -> None:
    answer = told(charged, "verify", "0" * 32)

    assert isinstance(answer.exception, InvalidParameter)
    assert "no account" in str(answer.exception)
