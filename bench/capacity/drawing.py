"""A picture of the day: how many GPUs there were, and how long jobs waited that were submitted then."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.capacity.cases import DAY_S
from bench.capacity.figures import workers_at
from bench.capacity.jobs import HOUR_S
from bench.capacity.system import Run
from bench.quality.plot import Colour, Plot

_WIDTH_PX, _HEIGHT_PX = 900, 230
_COLOURS: tuple[Colour, ...] = ((150, 150, 150), (200, 110, 40), (40, 60, 210))
_BIN_S = 900.0


def day_picture(runs: Sequence[Run]) -> NDArray[np.uint8]:
    """Up to three runs, BGR uint8 [2·230, 900, 3]."""
    image = np.full((2 * _HEIGHT_PX, _WIDTH_PX, 3), 255, np.uint8)
    bins = np.arange(0, DAY_S, _BIN_S)
    minutes = np.arange(0, DAY_S, 60.0)
    gpus = [workers_at(run.denoise, minutes) for run in runs]
    waits = [_mean_waits_min(run, bins) for run in runs]
    panels = (("GPUs", minutes, gpus), ("mean queue wait of jobs submitted then, minutes", bins, waits))
    for row, (title, times_s, curves) in enumerate(panels):
        top = 4 * math.ceil(max(float(curve.max()) for curve in curves) / 4)
        x_label = "hour of the day" if row else ""
        plot = Plot(image, (0, row * _HEIGHT_PX, _WIDTH_PX, _HEIGHT_PX), x_label, "" if row == 0 else title)
        plot.across((0, 24), range(0, 25, 2))
        plot.up((0, 1.05 * top), [quarter * top / 4 for quarter in range(5)])
        for run, curve, colour in zip(runs, curves, _COLOURS, strict=False):
            plot.curve(times_s / HOUR_S, curve, colour, "" if row else f"GPUs, {run.case.name}")
    return image


def _mean_waits_min(run: Run, starts_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 where no job was submitted."""
    index = np.searchsorted(starts_s, [job.arrival.at_s for job in run.jobs], side="right") - 1
    total = np.bincount(index, [job.queued_s / 60 for job in run.jobs], len(starts_s))
    return np.asarray(total / np.maximum(np.bincount(index, minlength=len(starts_s)), 1))
