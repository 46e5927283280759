"""Inputs in which nothing costs time but what a test is about."""

from bench.capacity.inputs import Inputs, PoolPlan
from bench.capacity.system import Case

CHUNK_VIDEO_S = 0.64
"""16 frames at 25 a second: a job of one chunk."""


def plain_inputs(
    *,
    fps: float = 25,
    chunk_s: float = 1.0,
    preprocess_ms: float = 0.0,
    composite_ms: float = 0.0,
    mean_life_h: float = 1.0,
    ack_wait_s: float = 30.0,
    drain_s: float = 120.0,
) -> Inputs:
    def cores(workers: int) -> PoolPlan:
        return PoolPlan(min_workers=workers, max_workers=workers, tasks_per_worker=1, cold_start_s=0)

    return Inputs.model_validate(
        {
            "fps": fps,
            "core_price_per_hour": 0,
            "preprocess": {"ms_per_frame": preprocess_ms},
            "composite": {"ms_per_frame": composite_ms, "finish_s": 0},
            "denoise": {"gpu": "gpu", "variant": "15"},
            "gpus": {"gpu": {"chunk_s": {"15": chunk_s}, "price_per_hour": 3.6, "spot_price_per_hour": 1.8}},
            "pools": {"preprocess": cores(100), "denoise": cores(1), "composite": cores(100)},
            "scaling": {"polling_s": 15, "stabilization_s": 300, "cooldown_s": 300, "drain_s": drain_s},
            "losses": {"mean_life_h": mean_life_h, "ack_wait_s": ack_wait_s},
            "sizes": [{"seconds": 5, "share": 0.8}, {"seconds": 60, "share": 0.2}],
            "day": {
                "jobs_per_hour": 3,
                "profile": [0.5] * 8 + [1.5] * 16,
                "bursts": [{"at_h": 3, "jobs": 20}],
                "fixed_gpus": 2,
            },
            "threshold": {"tasks_per_worker": [10, 100]},
            "at_once": {"jobs": 30, "gpus": [4, 8]},
            "beside": {"gpus": 2, "long_s": 600, "small_s": 5, "small_per_hour": 200},
        }
    )


def scaled(least: int, most: int, cold_start_s: float = 200.0, tasks_per_worker: float = 10.0) -> PoolPlan:
    return PoolPlan(min_workers=least, max_workers=most, tasks_per_worker=tasks_per_worker, cold_start_s=cold_start_s)


def fixed(gpus: int, *, spot: bool = False, drain_notice: bool = True, fair: bool = True) -> Case:
    return Case("", scaled(gpus, gpus), spot, drain_notice, fair)
