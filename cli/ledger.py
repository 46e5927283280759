"""`lipstage ledger`: what a running stack's gateway, or `lipstage serve`, has charged and given back.

`python -m cli.ledger` is the same where only the gateway is installed.
"""

from typing import Annotated

import typer
from rich.table import Column, Table

from cli.console import console, say, shown
from cli.gateway_keys import Data, of_account
from cli.remote import StackVia
from gateway.billing.ledger import Ledger
from gateway.billing.money import dollars
from gateway.clock import utc_now
from services.common.command_line import run_program

app = typer.Typer(help="Check an account's ledger, and give charges back.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account's id.")]


@app.command()
def verify(account: Account, data: Data = None, via: StackVia = None) -> None:
    """Looks for entries that are not as they were written; ends with 1 when there are any."""
    findings = of_account(data, via, account, lambda documents: Ledger(documents).verify(account))
    if not findings:
        say("Every entry is as it was written.")
        return
    table = Table(Column("entry", no_wrap=True), "problem")
    for finding in findings:
        table.add_row(shown(finding.name.replace(f"/{account}/", "/", 1)), shown(finding.problem))
    console.print(table)
    raise typer.Exit(1)


@app.command()
def refund(
    account: Account,
    job: Annotated[str, typer.Argument(help="The job's id.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the entry.")],
    by: Annotated[str, typer.Option(help="Who grants it.")] = "operator",
    data: Data = None,
    via: StackVia = None,
) -> None:
    """Gives a job's charge back, once: a second time changes nothing and shows the first."""
    given = of_account(
        data,
        via,
        account,
        lambda documents: Ledger(documents).refund(account, job, reason=reason, by=by, at=utc_now()),
    )
    say(f"refunded ${dollars(given.amount)} {given.at:%Y-%m-%d %H:%M} by {shown(given.by)}: {shown(given.reason)}")


if __name__ == "__main__":
    run_program(app)
