"""What the simulation is told: one TOML file, checked."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

DEFAULT_INPUTS = Path(__file__).parent.with_suffix(".toml")

Hourly = Annotated[tuple[NonNegativeFloat, ...], Field(min_length=24, max_length=24)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrameCost(Section):
    ms_per_frame: NonNegativeFloat
    """Processor time of one core."""


class CompositeCost(FrameCost):
    finish_s: NonNegativeFloat
    """Joining a job's segments, sound, report."""


class DenoiseChoice(Section):
    gpu: str
    variant: str


class Gpu(Section):
    chunk_s: dict[str, PositiveFloat]
    """Seconds per chunk of 16 frames, by variant: one over what one GPU gets done, however many are in flight."""
    price_per_hour: NonNegativeFloat
    spot_price_per_hour: NonNegativeFloat


class PoolPlan(Section):
    """One kind of worker: a GPU, or a core."""

    min_workers: int = Field(ge=0)
    max_workers: PositiveInt
    tasks_per_worker: PositiveFloat
    """KEDA's lagThreshold: tasks queued or in hand, per worker."""
    cold_start_s: NonNegativeFloat
    """From the decision to start a worker until it takes tasks; paid for."""

    @model_validator(mode="after")
    def _limits_are_ordered(self) -> "PoolPlan":
        if self.min_workers > self.max_workers:
            raise ValueError("min_workers must not exceed max_workers")
        return self

    def fixed(self, workers: int) -> "PoolPlan":
        return self.model_copy(update={"min_workers": workers, "max_workers": workers})


class Pools(Section):
    preprocess: PoolPlan
    denoise: PoolPlan
    composite: PoolPlan


class Scaling(Section):
    polling_s: PositiveFloat
    stabilization_s: NonNegativeFloat
    """The highest need of this long counts before workers are removed."""
    cooldown_s: NonNegativeFloat
    """Without any task this long, a pool with min_workers 0 goes to zero."""
    drain_s: NonNegativeFloat
    """A worker that is removed may finish its task for this long."""


class Losses(Section):
    mean_life_h: PositiveFloat
    """Of a spot GPU, exponential."""
    ack_wait_s: NonNegativeFloat


class JobSize(Section):
    seconds: PositiveFloat
    share: PositiveFloat


class Burst(Section):
    at_h: NonNegativeFloat
    jobs: PositiveInt


class Day(Section):
    jobs_per_hour: NonNegativeFloat
    profile: Hourly
    """Relative rate of each hour."""
    bursts: tuple[Burst, ...]
    fixed_gpus: PositiveInt
    """To compare with: never scaled."""


class Threshold(Section):
    tasks_per_worker: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]


class AtOnce(Section):
    jobs: PositiveInt
    gpus: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class Beside(Section):
    """Small jobs beside a long one, GPUs fixed."""

    gpus: PositiveInt
    long_s: PositiveFloat
    small_s: PositiveFloat
    small_per_hour: PositiveFloat


class Inputs(Section):
    fps: PositiveFloat
    preprocess: FrameCost
    denoise: DenoiseChoice
    composite: CompositeCost
    gpus: dict[str, Gpu]
    core_price_per_hour: NonNegativeFloat
    pools: Pools
    scaling: Scaling
    losses: Losses
    sizes: Annotated[tuple[JobSize, ...], Field(min_length=1)]
    day: Day
    threshold: Threshold
    at_once: AtOnce
    beside: Beside

    @model_validator(mode="after")
    def _choice_is_known(self) -> "Inputs":
        gpu = self.gpus.get(self.denoise.gpu)
        if gpu is None or self.denoise.variant not in gpu.chunk_s:
            raise ValueError(f"no chunk_s is given for GPU {self.denoise.gpu} and variant {self.denoise.variant}")
        return self

    @property
    def gpu(self) -> Gpu:
        return self.gpus[self.denoise.gpu]

    @property
    def chunk_s(self) -> float:
        return self.gpu.chunk_s[self.denoise.variant]


def read_inputs(path: Path) -> Inputs:
    """Raises OSError, tomllib.TOMLDecodeError or pydantic.ValidationError."""
    return Inputs.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
