"""The whole system in simulated time: jobs go through the three pools, one event per chunk and stage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from simpy import Environment
from simpy.events import ProcessGenerator

from bench.capacity.inputs import Inputs, PoolPlan
from bench.capacity.jobs import HOUR_S, Arrival, Job
from bench.capacity.lane_queue import Task, chunk_lane, preprocess_lane, segment_lane
from bench.capacity.pool import Mortality, Pool, PoolUse

WHOLE_JOB = -1


@dataclass(frozen=True)
class Case:
    """One way to run the system."""

    name: str
    gpus: PoolPlan
    spot: bool = False
    drain_notice: bool = True
    """A spot GPU's worker hands its task back before it is lost."""
    fair: bool = True
    """Lanes; otherwise first in, first out."""


@dataclass(frozen=True, eq=False)
class Run:
    case: Case
    jobs: list[Job]
    duration_s: float
    preprocess: PoolUse
    denoise: PoolUse
    composite: PoolUse


def simulate(arrivals: Sequence[Arrival], inputs: Inputs, case: Case, seed: int = 0, least_s: float = 0.0) -> Run:
    """Runs until every job is finished and every pool has shrunk to its minimum, and for `least_s` at least.

    `arrivals` are in order of time. The seed decides about lost GPUs only.
    """
    return _System(arrivals, inputs, case, seed).run(least_s)


class _System:
    def __init__(self, arrivals: Sequence[Arrival], inputs: Inputs, case: Case, seed: int) -> None:
        self._env = env = Environment()
        self._inputs, self._case = inputs, case
        self._jobs = [Job(arrival, inputs.fps) for arrival in arrivals]
        self._unfinished = len(self._jobs)
        self._all_finished = env.event()
        losses = inputs.losses
        mortality = Mortality(
            losses.mean_life_h * HOUR_S, 0.0 if case.drain_notice else losses.ack_wait_s, Random(seed)
        )
        pools, scaling, fair = inputs.pools, inputs.scaling, case.fair
        self._preprocess = Pool(env, pools.preprocess, scaling, self._preprocessed, fair)
        self._denoise = Pool(env, case.gpus, scaling, self._denoised, fair, mortality if case.spot else None)
        self._composite = Pool(env, pools.composite, scaling, self._composited, fair)
        env.process(self._arrive())

    def run(self, least_s: float) -> Run:
        env, pools = self._env, (self._preprocess, self._denoise, self._composite)
        if self._jobs:
            env.run(self._all_finished)
        if env.now < least_s:
            env.run(least_s)
        while not all(pool.at_rest for pool in pools):
            env.run(env.now + self._inputs.scaling.polling_s)
        return Run(self._case, self._jobs, env.now, *(pool.close() for pool in pools))

    def _arrive(self) -> ProcessGenerator:
        for job in self._jobs:
            if job.arrival.at_s > self._env.now:
                yield self._env.timeout(job.arrival.at_s - self._env.now)
            self._preprocess.publish(Task(job, WHOLE_JOB, preprocess_lane(job.arrival.priority)))

    def _preprocessed(self, task: Task) -> ProcessGenerator:
        """Publishes each chunk as soon as it is ready; a repeated run does not publish chunks again."""
        job = task.job
        if job.chunks_published == 0:
            job.preprocess_started_s = self._env.now
        for chunk in range(job.chunks):
            yield self._env.timeout(job.chunk_frames(chunk) * self._inputs.preprocess.ms_per_frame / 1000)
            if chunk == job.chunks_published:
                job.chunks_published += 1
                if chunk == 0:
                    job.first_chunk_published_s = self._env.now
                self._denoise.publish(Task(job, chunk, chunk_lane(job.arrival.priority, chunk)))

    def _denoised(self, task: Task) -> ProcessGenerator:
        job, chunk = task.job, task.part
        if chunk == 0 and math.isnan(job.first_chunk_started_s):
            job.first_chunk_started_s = self._env.now
        yield self._env.timeout(self._inputs.chunk_s)
        job.chunk_done[chunk] += 1
        for segment in job.segments_of(chunk):
            job.lacking[segment] -= 1
            if job.lacking[segment] == 0:
                self._composite.publish(Task(job, segment, segment_lane(job.arrival.priority, segment)))

    def _composited(self, task: Task) -> ProcessGenerator:
        job, costs = task.job, self._inputs.composite
        if task.part == WHOLE_JOB:
            yield self._env.timeout(costs.finish_s)
            self._finish(job)
            return
        yield self._env.timeout(job.segment_frames(task.part) * costs.ms_per_frame / 1000)
        job.segments_left -= 1
        if job.segments_left == 0:
            last = len(job.lacking) - 1
            self._composite.publish(Task(job, WHOLE_JOB, segment_lane(job.arrival.priority, last)))

    def _finish(self, job: Job) -> None:
        job.finished_s = self._env.now
        self._unfinished -= 1
        if self._unfinished == 0:
            self._all_finished.succeed()
