"""`lipstage keys`: the API keys of a running stack's gateway, or of `lipstage serve`.

`python -m cli.keys` is the same where only the gateway is installed.
"""

from datetime import datetime, timedelta
from typing import Annotated, get_args

import typer
from pydantic import TypeAdapter, ValidationError

from cli import accounts
from cli.console import errors, say
from cli.gateway_keys import Data, with_keys
from cli.remote import StackVia
from gateway.accounts import ALL_SCOPES, ApiKey, Scope
from gateway.clock import utc_now
from gateway.keys import Keys
from services.common.command_line import run_program
from services.common.errors import InvalidParameter

app = typer.Typer(help="Make, list, replace and take back API keys, and their accounts.", no_args_is_help=True)
app.add_typer(accounts.app, name="accounts")

_SCOPES = TypeAdapter(frozenset[Scope])

Key = Annotated[str, typer.Argument(help="The key's id, as `list` shows it, or its token.")]


@app.command()
def create(
    account: Annotated[str, typer.Argument(help="Id of the account it is to speak for.")],
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; repeatable. None: all.")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Days until it expires.")] = None,
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Makes a key and prints its token, which is shown only now."""
    expires_at = utc_now() + timedelta(days=days) if days is not None else None
    scopes = _scopes(scope) if scope else ALL_SCOPES
    _show_token(*with_keys(data, via, lambda keys: keys.create_key(account, name, scopes, expires_at)))


@app.command("list")
def list_keys(
    account: Annotated[str | None, typer.Argument(help="Id of one account.")] = None,
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Lists keys, without their secrets."""

    async def listed(keys: Keys) -> list[ApiKey]:
        return [key async for key in keys.list(account)]

    now = utc_now()
    for key in with_keys(data, via, listed):
        say(f"{key.id}  {key.account}  {key.name}  {','.join(sorted(key.scopes))}  {_state(key, now)}")


@app.command()
def rotate(
    key: Key,
    grace_hours: Annotated[float, typer.Option(min=0, help="How long the old secret stays good.")] = 24.0,
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Gives a key a new secret and prints its token, which is shown only now."""
    _show_token(*with_keys(data, via, lambda keys: keys.rotate(key, timedelta(hours=grace_hours))))


@app.command()
def revoke(key: Key, data: Data = None, via: StackVia = None) -> None:
    """Ends a key for good; running gateways know within seconds."""
    say(_state(with_keys(data, via, lambda keys: keys.revoke(key)), utc_now()))


def _scopes(names: list[str]) -> frozenset[Scope]:
    try:
        return _SCOPES.validate_python(names)
    except ValidationError as error:
        raise InvalidParameter(f"--scope takes {', '.join(get_args(Scope))}, not “{', '.join(names)}”.") from error


def _show_token(key: ApiKey, token: str) -> None:
    say(token)
    errors.print(f"This is shown only now. The key's id is {key.id}; it is {_state(key, utc_now())}.", soft_wrap=True)


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if key.expires_at is None:
        return "good"
    return f"{'good until' if now < key.expires_at else 'expired'} {key.expires_at:%Y-%m-%d %H:%M}"


if __name__ == "__main__":
    run_program(app)
