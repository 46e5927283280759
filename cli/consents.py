"""`lipstage consents`: what people have agreed to, in a running stack's gateway or in `lipstage serve`.

`python -m cli.consents` is the same where only the gateway is installed.
"""

from datetime import datetime
from typing import Annotated

import typer

from cli.console import say, shown
from cli.gateway_keys import Data, of_account
from cli.remote import StackVia
from gateway.clock import utc_now
from gateway.consents import Consents, LoggedConsent
from services.common.command_line import run_program

app = typer.Typer(help="List the consents of an account, and revoke them.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account's id.")]


@app.command("list")
def list_consents(account: Account, data: Data = None, via: StackVia = None) -> None:
    """Lists an account's consents in the order in which they were recorded."""

    async def listed(consents: Consents) -> list[LoggedConsent]:
        return [logged async for logged in consents.list(account)]

    now = utc_now()
    for logged in of_account(data, via, account, lambda documents: listed(Consents(documents, utc_now))):
        recorded, consent = logged.recorded, logged.recorded.consent
        told = f"{consent.attested_by}  {consent.basis}  {consent.scope or '-'}"
        say(f"{recorded.id}  {recorded.recorded_at:%Y-%m-%d}  {_state(logged, now)}  {shown(told)}")


@app.command()
def revoke(
    account: Account,
    consent: Annotated[str, typer.Argument(help="The consent's id.")],
    by: Annotated[str, typer.Option(help="Who revokes it.")] = "operator",
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Ends a consent for good: from now on no new job may rest on it. The first revocation counts."""
    revocation = of_account(
        data, via, account, lambda documents: Consents(documents, utc_now).revoke(account, consent, by)
    )
    say(f"revoked {revocation.revoked_at:%Y-%m-%d %H:%M} by {shown(revocation.by)}")


def _state(logged: LoggedConsent, now: datetime) -> str:
    if logged.revocation is not None:
        return f"revoked {logged.revocation.revoked_at:%Y-%m-%d %H:%M}"
    expires_at = logged.recorded.consent.expires_at
    if expires_at is None:
        return "good"
    return f"{'good until' if now < expires_at else 'expired'} {expires_at:%Y-%m-%d %H:%M}"


if __name__ == "__main__":
    run_program(app)
