"""`PYTHONPATH=tests python -m fuzz`: how the gateway's examination of media bears broken and hostile files."""

import asyncio
from typing import Annotated

import typer
from fuzz.examination import Found, examine
from rich.console import Console
from rich.progress import Progress
from rich.table import Table


def main(
    count: Annotated[int, typer.Option(help="How many files.")] = 1000,
    seed: Annotated[int, typer.Option(help="Other seeds, other files.")] = 1,
    first: Annotated[int, typer.Option(help="Number of the first file: to look at one again.")] = 0,
) -> None:
    """Makes COUNT files and has each examined; says what became of them and what was left behind."""
    console = Console()
    with Progress(console=console) as progress:
        task = progress.add_task("examining", total=count)
        found = asyncio.run(examine(range(first, first + count), seed, seen=lambda _: progress.advance(task)))
    console.print(_table(found), _kinds(found))
    for name in [*found.crashes, *(f"ended by a limit: {name}" for name in found.ended_by_a_limit)]:
        console.print(name, highlight=False)
    raise typer.Exit(1 if found.wrong else 0)


def _table(found: Found) -> Table:
    table = Table("", "count", title=f"{found.files} broken files in {found.seconds:.0f} s", title_justify="left")
    table.columns[1].justify = "right"
    for code, count in sorted(found.refused.items()):
        table.add_row(f"refused: {code}", str(count))
    table.add_row("accepted", str(found.accepted), end_section=True)
    table.add_row("ended by a limit of time or memory", str(len(found.ended_by_a_limit)))
    table.add_row("crashes", str(len(found.crashes)))
    table.add_row("outbound connections", str(found.outbound))
    table.add_row("files left", str(found.left_files))
    table.add_row("processes left", str(found.left_processes))
    table.add_row("descriptors left", str(found.left_descriptors), end_section=True)
    table.add_row(f"slowest, s: {found.slowest[1]}", f"{found.slowest[0]:.1f}")
    return table


def _kinds(found: Found) -> Table:
    table = Table("kind of file", "what became of it")
    for kind, outcomes in sorted(found.kinds.items()):
        table.add_row(kind, ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common()))
    return table


if __name__ == "__main__":
    typer.run(main)
