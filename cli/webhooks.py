"""`lipstage webhooks`: what callers could not be told, of a running stack's gateway or of `lipstage serve`.

`python -m cli.webhooks` is the same where only the gateway is installed.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from cli.console import say
from cli.gateway_keys import Data, with_documents
from cli.remote import StackVia
from gateway.clock import utc_now
from gateway.webhooks.messages import Message
from gateway.webhooks.outbox import Outbox
from services.common.command_line import run_program
from services.common.errors import InvalidParameter, ObjectMissing

T = TypeVar("T")

app = typer.Typer(help="Look at webhooks that did not arrive, and send them again.", no_args_is_help=True)


@app.command("list")
def list_messages(
    account: Annotated[str | None, typer.Argument(help="Id of one account.")] = None,
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Lists what was given up, or failed and will be tried again; oldest jobs first."""
    for message in _with_outbox(data, via, lambda outbox: _not_arrived(outbox, account)):
        say(f"{message.id}  {message.account}  {message.endpoint}  {_state(message)}")


@app.command()
def replay(
    message: Annotated[str | None, typer.Argument(help="Its id, as `list` shows it; also one that arrived.")] = None,
    account: Annotated[str | None, typer.Option(help="All that were given up of this account.")] = None,
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Sends webhooks again, from the first attempt on, with the same id and body; prints their ids."""
    if (message is None) == (account is None):
        raise InvalidParameter("Name either one message or an account.")

    async def work(outbox: Outbox) -> list[str]:
        found = [message] if message else await _given_up(outbox, account)
        for each in found:
            await _replay(outbox, each)
        return found

    for replayed in _with_outbox(data, via, work):
        say(replayed)


async def _not_arrived(outbox: Outbox, account: str | None) -> list[Message]:
    return [
        message
        async for message in outbox.messages(account)
        if message.delivered_at is None and (message.attempts or message.given_up_at)
    ]


async def _given_up(outbox: Outbox, account: str | None) -> list[str]:
    """Without those that were too large to be sent."""
    return [message.id for message in await _not_arrived(outbox, account) if message.given_up_at and message.body]


async def _replay(outbox: Outbox, message: str) -> None:
    try:
        await outbox.replay(message)
    except ObjectMissing as error:
        raise InvalidParameter(f"There is no webhook {message}.", message=message) from error


def _state(message: Message) -> str:
    times = f"{message.attempts} attempt{'' if message.attempts == 1 else 's'}"
    last = f"{times}, last: {message.last_status or message.last_error}"
    if message.given_up_at is not None:
        return f"given up {message.given_up_at:%Y-%m-%d %H:%M} after {last}"
    return f"next {message.next_attempt_at:%Y-%m-%d %H:%M:%S} after {last}"


def _with_outbox(data: Path | None, via: str | None, work: Callable[[Outbox], Coroutine[Any, Any, T]]) -> T:
    return with_documents(data, via, lambda documents: work(Outbox(documents, utc_now)))


if __name__ == "__main__":
    run_program(app)
