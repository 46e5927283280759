"""`PYTHONPATH=tests python -m chaos simulate|real`: faults by the seed, in virtual time or on real servers."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
FOLDER = Path("out/chaos")


@app.command()
def real(
    count: Annotated[int, typer.Option(help="How many schedules.")] = 20,
    seed: Annotated[int, typer.Option(help="The first schedule's seed; the others follow it.")] = 1,
    folder: Path = FOLDER,
) -> None:
    """Kills and freezes the processes of a real stack; results are appended to FOLDER/real.jsonl."""
    # The simulation runs where none of the servers is installed.
    from chaos.real import run

    verdicts: Counter[bool] = Counter()
    for result in run(range(seed, seed + count), folder, folder / "real.jsonl"):
        verdicts[not result.wrong] += 1
        typer.echo(f"seed {result.seed}: {'; '.join(result.wrong) or 'held'} after {result.seconds:.0f} s")
    typer.echo(f"{verdicts[True]} schedules held, {verdicts[False]} did not; {folder / 'real.jsonl'}")
    if verdicts[False]:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
