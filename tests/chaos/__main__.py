"""`PYTHONPATH=tests python -m chaos simulate|real`: faults by the seed, in virtual time or on real servers."""

import json
import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from chaos.simulated_runs import broken_by

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
FOLDER = Path("out/chaos")
_BATCH = 250
_HEAD = """\
# Schedules on the real servers

What `make chaos N=200 SEED=1` ran, as `PYTHONPATH=tests python -m chaos record` prints it: {held} of {all} held.
Any of them again: `make chaos N=1 SEED=…` after removing its line from `out/chaos/real.jsonl`.

| seed | jobs | faults | s | |
|---:|---|---|---:|---|"""


@app.command()
def simulate(
    seeds: Annotated[int, typer.Option(help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The first one; the others follow it.")] = 1,
    processes: Annotated[int, typer.Option(help="0 = one per core.")] = 0,
) -> None:
    """Runs the workers in virtual time; prints the whole story of the first seed that breaks a promise."""
    began, broken, slowest = time.perf_counter(), 0, 0.0
    batches = [range(first, min(first + _BATCH, seed + seeds)) for first in range(seed, seed + seeds, _BATCH)]
    with ProcessPoolExecutor(processes or os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for wrong, rested_after_s in pool.map(broken_by, batches):
            slowest = max(slowest, rested_after_s)
            for outcome in wrong:
                typer.echo(outcome.story() if not broken else f"seed {outcome.plan.seed}: {outcome.violations[0]}")
                broken += 1
    seconds = time.perf_counter() - began
    typer.echo(f"{seeds} seeds in {seconds:.0f} s: {broken} broke a promise; at rest after {slowest:.0f} s at most")
    if broken:
        raise typer.Exit(1)


@app.command()
def real(
    count: Annotated[int, typer.Option(help="How many schedules.")] = 20,
    seed: Annotated[int, typer.Option(help="The first schedule's seed; the others follow it.")] = 1,
    folder: Path = FOLDER,
) -> None:
    """Kills and freezes the processes of a real stack; results are appended to FOLDER/real.jsonl."""
    from chaos.real import run  # the simulation runs where none of the servers is installed

    verdicts: Counter[bool] = Counter()
    for result in run(range(seed, seed + count), folder, folder / "real.jsonl"):
        verdicts[not result.wrong] += 1
        typer.echo(f"seed {result.seed}: {'; '.join(result.wrong) or 'held'} after {result.seconds:.0f} s")
    typer.echo(f"{verdicts[True]} schedules held, {verdicts[False]} did not; {folder / 'real.jsonl'}")
    if verdicts[False]:
        raise typer.Exit(1)


@app.command()
def record(results: Path = FOLDER / "real.jsonl") -> None:
    """Prints what was run on the real servers as the page docs/operations/chaos-schedules.md."""
    rows = sorted(map(json.loads, results.read_text(encoding="utf-8").splitlines()), key=lambda row: row["seed"])
    held = sum(not row["wrong"] for row in rows)
    typer.echo(_HEAD.format(held=held, all=len(rows)))
    for row in rows:
        verdict = "; ".join(row["wrong"]) or "held"
        typer.echo(
            f"| {row['seed']} | {'; '.join(row['jobs'])} | {'; '.join(row['faults'])} | {row['seconds']} | {verdict} |"
        )


if __name__ == "__main__":
    app()
