"""What a run comes to: waits, turnarounds, GPUs, money."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.capacity.inputs import Inputs
from bench.capacity.jobs import HOUR_S
from bench.capacity.pool import PoolUse
from bench.capacity.system import Run
from services.preprocess.plan import CHUNK_FRAMES


@dataclass(frozen=True)
class Figures:
    wait_s: tuple[float, float, float]
    """Of a job in queues before its first chunk is on a GPU: median, 95th and 99th percentile."""
    turnaround_s: dict[float, tuple[float, float]]
    """By seconds of video: median and 95th percentile, from submission to the finished file."""
    makespan_s: float
    """From the first submission to the last finished file."""
    gpus_mean: float
    gpus_max: int
    gpu_hours: float
    utilisation: float
    """Time on chunks that were finished, over time paid for."""
    gpus_lost: int
    chunks_begun_in_vain: int
    core_hours: float
    video_minutes: float
    gpu_cost_per_minute: float
    core_cost_per_minute: float

    @property
    def cost_per_minute(self) -> float:
        return self.gpu_cost_per_minute + self.core_cost_per_minute


def figures(run: Run, inputs: Inputs) -> Figures:
    jobs = run.jobs
    sizes = sorted({job.arrival.video_s for job in jobs})
    by_size = {size: [job.turnaround_s for job in jobs if job.arrival.video_s == size] for size in sizes}
    p50, p95, p99 = np.percentile([job.queued_s for job in jobs], (50, 95, 99)).tolist()
    gpu_hours = run.denoise.paid_s / HOUR_S
    core_hours = (run.preprocess.paid_s + run.composite.paid_s) / HOUR_S
    minutes = sum(job.frames for job in jobs) / inputs.fps / 60
    price = inputs.gpu.spot_price_per_hour if run.case.spot else inputs.gpu.price_per_hour
    return Figures(
        wait_s=(p50, p95, p99),
        turnaround_s={size: _median_and_p95(seconds) for size, seconds in by_size.items()},
        makespan_s=max(job.finished_s for job in jobs) - jobs[0].arrival.at_s,
        gpus_mean=run.denoise.paid_s / run.duration_s,
        gpus_max=max(workers for _, workers in run.denoise.workers),
        gpu_hours=gpu_hours,
        utilisation=run.denoise.busy_s / run.denoise.paid_s,
        gpus_lost=run.denoise.lost,
        chunks_begun_in_vain=run.denoise.handed_back,
        core_hours=core_hours,
        video_minutes=minutes,
        gpu_cost_per_minute=gpu_hours * price / minutes,
        core_cost_per_minute=core_hours * inputs.core_price_per_hour / minutes,
    )


def floor_cost_per_minute(inputs: Inputs) -> float:
    """What GPUs cost that are never idle and never lost."""
    chunks = 60 * inputs.fps / CHUNK_FRAMES
    return chunks * inputs.chunk_s * inputs.gpu.price_per_hour / HOUR_S


def workers_at(use: PoolUse, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    changes_s, workers = np.array(use.workers).T
    return np.asarray(workers[np.searchsorted(changes_s, times_s, side="right") - 1])


def _median_and_p95(seconds: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(seconds, (50, 95)).tolist()
    return p50, p95
