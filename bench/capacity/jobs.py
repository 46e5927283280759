"""Jobs and when they come."""

import math
from dataclasses import dataclass, field

import numpy as np

from bench.capacity.inputs import Beside, Day, JobSize
from services.common.messages import Priority
from services.preprocess.plan import CHUNK_FRAMES, SEGMENT_S

HOUR_S = 3600.0


@dataclass(frozen=True)
class Arrival:
    at_s: float
    video_s: float
    priority: Priority = "normal"


@dataclass(slots=True, eq=False)
class Job:
    """What the simulation knows of one job. Times are nan until they come."""

    arrival: Arrival
    fps: float
    frames: int = field(init=False)
    chunks: int = field(init=False)
    chunks_published: int = 0
    chunk_done: bytearray = field(init=False)
    """How often each chunk was finished."""
    lacking: list[int] = field(init=False)
    """Chunks not yet done, per segment."""
    segments_left: int = field(init=False)
    preprocess_started_s: float = math.nan
    first_chunk_published_s: float = math.nan
    first_chunk_started_s: float = math.nan
    finished_s: float = math.nan

    def __post_init__(self) -> None:
        self.frames = max(1, round(self.arrival.video_s * self.fps))
        self.chunks = -(-self.frames // CHUNK_FRAMES)
        self.chunk_done = bytearray(self.chunks)
        self.segments_left = self.segment_of(self.frames - 1) + 1
        self.lacking = [0] * self.segments_left
        for chunk in range(self.chunks):
            for segment in self.segments_of(chunk):
                self.lacking[segment] += 1

    @property
    def queued_s(self) -> float:
        """Spent in queues before the first chunk is on a GPU: what an empty system would not make it wait."""
        return self.preprocess_started_s - self.arrival.at_s + self.first_chunk_started_s - self.first_chunk_published_s

    @property
    def turnaround_s(self) -> float:
        return self.finished_s - self.arrival.at_s

    def chunk_frames(self, chunk: int) -> int:
        return min(CHUNK_FRAMES, self.frames - chunk * CHUNK_FRAMES)

    def segment_frames(self, segment: int) -> int:
        length = round(SEGMENT_S * self.fps)
        return min(length, self.frames - segment * length)

    def segment_of(self, frame: int) -> int:
        return frame // round(SEGMENT_S * self.fps)

    def segments_of(self, chunk: int) -> range:
        first = chunk * CHUNK_FRAMES
        return range(self.segment_of(first), self.segment_of(first + self.chunk_frames(chunk) - 1) + 1)


def through_a_day(day: Day, sizes: tuple[JobSize, ...], rng: np.random.Generator) -> list[Arrival]:
    """Poisson arrivals, each hour at its own rate, and the bursts; by time."""
    rates = day.jobs_per_hour * np.array(day.profile) / np.mean(day.profile)
    times = [HOUR_S * (hour + rng.random(rng.poisson(rate))) for hour, rate in enumerate(rates)]
    times += [np.full(burst.jobs, HOUR_S * burst.at_h) for burst in day.bursts]
    return _with_sizes(np.sort(np.concatenate(times)), sizes, rng)


def at_once(jobs: int, sizes: tuple[JobSize, ...], rng: np.random.Generator) -> list[Arrival]:
    return _with_sizes(np.zeros(jobs), sizes, rng)


def beside_a_long_one(beside: Beside, rng: np.random.Generator) -> list[Arrival]:
    """One long job, then small ones (Poisson) for an hour."""
    times = np.sort(HOUR_S * rng.random(rng.poisson(beside.small_per_hour)))
    return [Arrival(0.0, beside.long_s), *(Arrival(float(at_s), beside.small_s) for at_s in times)]


def _with_sizes(
    times_s: np.typing.NDArray[np.float64], sizes: tuple[JobSize, ...], rng: np.random.Generator
) -> list[Arrival]:
    shares = np.array([size.share for size in sizes])
    drawn = rng.choice([size.seconds for size in sizes], len(times_s), p=shares / shares.sum())
    return [Arrival(at_s, video_s) for at_s, video_s in zip(times_s.tolist(), drawn.tolist(), strict=True)]
