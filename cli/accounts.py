"""`lipstage keys accounts`: who owns jobs and pays for them."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.console import say
from cli.gateway_keys import Data, with_keys
from cli.options import checked
from cli.remote import StackVia
from gateway.accounts import Account, Limits
from gateway.billing.plans import load_plans, plan_named
from gateway.keys import Keys
from services.common.errors import InvalidParameter

app = typer.Typer(help="Make, list and change accounts.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The account's id.")]
_OWN = {"name", "price_plan", "consent_required", "default_consent", "retention_s"}
_NONE = "none"


class _Installation(BaseSettings):
    """What the gateway is told too."""

    model_config = SettingsConfigDict(env_prefix="LIPSTAGE_")

    price_plans: Path | None = None


@app.command()
def create(name: Annotated[str, typer.Argument(help="Whose it is.")], data: Data = None, via: StackVia = None) -> None:
    """Makes an account with the usual limits and prints its id."""
    say(with_keys(data, via, lambda keys: keys.create_account(name)).id)


@app.command("list")
def list_accounts(data: Data = None, via: StackVia = None) -> None:
    """Lists accounts by age."""
    for account in with_keys(data, via, _all):
        say(f"{account.id}  {account.created_at:%Y-%m-%d}  {account.name}")


@app.command()
def show(account: Id, data: Data = None, via: StackVia = None) -> None:
    """Shows an account's settings and limits, without its secret."""
    say(_shown(with_keys(data, via, lambda keys: keys.account(account))))


@app.command()
def change(
    account: Id,
    settings: Annotated[list[str], typer.Argument(help="Such as running_jobs=8.", metavar="NAME=VALUE…")],
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Changes settings or limits, by the names that `show` shows; the value none takes a limit away.

    A price plan must be one of the installation's: where LIPSTAGE_PRICE_PLANS is set for the gateway, set it here too.
    """

    def changed(found: Account) -> Account:
        return _changed(found, settings)

    say(_shown(with_keys(data, via, lambda keys: keys.change_account(account, changed))))


async def _all(keys: Keys) -> list[Account]:
    return [account async for account in keys.accounts()]


def _changed(account: Account, settings: list[str]) -> Account:
    fields, limits = account.model_dump(), account.limits.model_dump()
    for setting in settings:
        name, _, text = setting.partition("=")
        holder = fields if name in _OWN else limits
        if name not in holder or not text:
            names = ", ".join((*sorted(_OWN), *limits))
            raise InvalidParameter(f"“{setting}” sets nothing; write NAME=VALUE with {names}.", setting=setting)
        if name == "price_plan":
            plan_named(load_plans(_Installation().price_plans), text)
        holder[name] = None if text == _NONE else text
    return checked(Account, **{**fields, "limits": checked(Limits, **limits)})


def _shown(account: Account) -> str:
    return account.model_dump_json(indent=2, exclude={"webhook_secret"})
