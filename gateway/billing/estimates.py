"""What a job would cost and how long it would take, as far as that is known."""

import math
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from gateway.billing.lengths import Lengths
from gateway.billing.pace import Pace
from gateway.billing.plans import Plan, price

CHUNK_S: Final = 0.64
"""What is denoised at once, and by one worker: 16 frames, at 25 a second."""

Unknown = Literal["voice_s", "output_s", "amount", "processing_s", "queue_wait_s"]


class Estimate(BaseModel):
    """What is None is not known yet, and named in `unknown`."""

    model_config = ConfigDict(frozen=True)

    plan: str
    currency: Literal["USD"] = "USD"
    voice_s: float | None
    output_s: float | None
    amount: int | None
    """Micro-dollars, if the job completes; otherwise nothing."""
    processing_s: float | None
    """From its first task to its end, with nobody else's before it."""
    queue_wait_s: float | None
    """Until the jobs that are open now are done."""
    unknown: tuple[Unknown, ...]
    measured_jobs: int
    """How many settled jobs of the variant the two times rest on."""


def estimate(plan: Plan, lengths: Lengths | None, pace: Pace, jobs_ahead: int | None, workers: int | None) -> Estimate:
    """`workers` = how many tasks are worked on at once, over all of them; the jobs ahead are taken for average ones.

    Where the number of workers is not known, the processing time is that of one.
    """
    known: dict[Unknown, float | None] = {
        "voice_s": lengths.voice_s if lengths else None,
        "output_s": lengths.output_s if lengths else None,
        "amount": price(plan, lengths.metered_s(plan.metered)) if lengths else None,
        "processing_s": _processing_s(lengths, pace, workers),
        "queue_wait_s": _queue_wait_s(pace, jobs_ahead, workers),
    }
    return Estimate.model_validate(
        {
            **known,
            "plan": plan.name,
            "unknown": [name for name, number in known.items() if number is None],
            "measured_jobs": len(pace.samples),
        }
    )


def _processing_s(lengths: Lengths | None, pace: Pace, workers: int | None) -> float | None:
    if lengths is None or pace.work_per_voice_s is None or workers == 0:
        return None
    at_once = min(workers or 1, max(1, math.ceil(lengths.output_s / CHUNK_S)))
    return pace.work_per_voice_s * lengths.voice_s / at_once


def _queue_wait_s(pace: Pace, jobs_ahead: int | None, workers: int | None) -> float | None:
    if jobs_ahead == 0 and workers:
        return 0.0
    if jobs_ahead is None or not workers or pace.work_per_job_s is None:
        return None
    return jobs_ahead * pace.work_per_job_s / workers
