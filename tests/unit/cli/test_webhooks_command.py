"""Webhooks that did not arrive, from the command line, in the folder of the embedded gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cli import webhooks
from gateway.clock import utc_now
from gateway.sqlite_documents import FILE_NAME, sqlite_documents
from gateway.webhooks.outbox import Outbox
from services.common.errors import InvalidParameter


def on_outbox(data: Path, work: Callable[[Outbox], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with sqlite_documents(data / FILE_NAME) as documents:
            await work(Outbox(documents, utc_now))

    asyncio.run(opened())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two webhooks were given up, one failed so far, one arrived, and one is too large."""

    async def fill(outbox: Outbox) -> None:
        for job, account in (("lost", "acme"), ("theirs", "other"), ("late", "acme"), ("fine", "acme")):
            await outbox.add(job, "completed", account, "native", "https://hooks.example/hidden", {})
        await outbox.add("vast", "completed", "acme", "native", "https://hooks.example/hidden", "x" * (1 << 18))
        for pending in await outbox.due():
            message = await outbox.claim(pending, 30)
            assert message
            if message.job == "fine":
                await outbox.delivered(message, 200)
            else:
                again_at = utc_now() + timedelta(hours=1) if message.job == "late" else None
                await outbox.failed(message, 503 if again_at else None, "timeout", again_at)

    on_outbox(tmp_path, fill)
    return tmp_path


def due(data: Path) -> list[str]:
    found: list[str] = []

    async def look(outbox: Outbox) -> None:
        for pending in await outbox.due():
            message = await outbox.claim(pending, 30)
            found.extend([message.id] if message else [])

    on_outbox(data, look)
    return found


def test_the_list_shows_what_did_not_arrive_and_hides_urls(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    webhooks.list_messages(data=data)

    late, lost, theirs, vast = capsys.readouterr().out.splitlines()
    assert late.startswith("late-completed  acme  https://hooks.example  next 2")
    assert late.endswith("after 1 attempt, last: 503")
    assert lost.startswith(f"lost-completed  acme  https://hooks.example  given up {utc_now():%Y-}")
    assert lost.endswith("after 1 attempt, last: timeout")
    assert "other" in theirs
    assert vast.endswith("after 0 attempts, last: body_too_large")
    assert "hidden" not in late + lost + theirs + vast


def test_the_list_can_be_of_one_account(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    webhooks.list_messages("other", data=data)

    assert capsys.readouterr().out.count("completed") == 1


@pytest.mark.parametrize("message", ["lost-completed", "fine-completed"])
def test_one_message_is_sent_again_also_one_that_arrived(data: Path, message: str) -> None:
    webhooks.replay(message, data=data)

    assert due(data) == [message]


def test_all_that_were_given_up_of_an_account_are_sent_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    webhooks.replay(account="acme", data=data)

    assert capsys.readouterr().out == "lost-completed\n"
    assert due(data) == ["lost-completed"]


def test_a_message_that_never_was_is_named(data: Path) -> None:
    with pytest.raises(InvalidParameter, match="no webhook gone-completed"):
        webhooks.replay("gone-completed", data=data)


@pytest.mark.parametrize("named", [(None, None), ("lost-completed", "acme")])
def test_a_replay_is_of_one_message_or_of_an_account(data: Path, named: tuple[str | None, str | None]) -> None:
    message, account = named

    with pytest.raises(InvalidParameter, match="either"):
        webhooks.replay(message, account, data=data)
