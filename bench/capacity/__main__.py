"""Prints what the autoscaled system does with a day's jobs, with very many at once, and with small beside long ones.

python -m bench.capacity [--inputs FILE] [--only day|threshold|at-once|beside] [--seed 0] [--plot FILE]
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import typer
from pydantic import ValidationError
from rich.console import Console

from bench.capacity.cases import at_once_runs, beside_runs, day_runs, threshold_runs
from bench.capacity.drawing import day_picture
from bench.capacity.inputs import DEFAULT_INPUTS, read_inputs
from bench.capacity.tables import amount, beside_table, cases_table, floor_line

DRAWN = (0, 1, 2)
"""Cases of the day in the picture."""
JPEG_QUALITY = 70


class Part(StrEnum):
    DAY = "day"
    THRESHOLD = "threshold"
    AT_ONCE = "at-once"
    BESIDE = "beside"


def main(
    inputs_file: Annotated[Path, typer.Option("--inputs", help="Costs, limits, arrivals.")] = DEFAULT_INPUTS,
    only: Annotated[Part | None, typer.Option(help="One of the tables.")] = None,
    seed: Annotated[int, typer.Option(help="Of arrivals and losses.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Also draw the day here.")] = None,
) -> None:
    """Everything is simulated; the same inputs and seed give the same tables."""
    try:
        inputs = read_inputs(inputs_file)
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise typer.BadParameter(str(error), param_hint="--inputs") from error
    console = Console()
    console.print(floor_line(inputs), highlight=False)
    if only in (None, Part.DAY):
        runs = day_runs(inputs, seed)
        console.print(cases_table(f"A day: {amount(runs[0])}", runs, inputs))
        if plot:
            picture = day_picture([runs[index] for index in DRAWN])
            plot.write_bytes(cv2.imencode(plot.suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
    if only in (None, Part.THRESHOLD):
        runs = threshold_runs(inputs, seed)
        console.print(cases_table("That day, by the number of chunks per GPU that is aimed at", runs, inputs))
    if only in (None, Part.AT_ONCE):
        runs = at_once_runs(inputs, seed)
        console.print(cases_table(f"At once: {amount(runs[0])}", runs, inputs))
    if only in (None, Part.BESIDE):
        beside = inputs.beside
        title = f"{beside.small_per_hour:g} jobs an hour of {beside.small_s:g} s beside one of {beside.long_s:g} s"
        console.print(beside_table(f"{title}, {beside.gpus} GPUs", beside_runs(inputs, seed), inputs))


if __name__ == "__main__":
    typer.run(main)
