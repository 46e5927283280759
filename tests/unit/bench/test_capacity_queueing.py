"""The simulation against results that are known exactly."""

import math
from itertools import pairwise

import numpy as np
import pytest
from capacity_inputs import CHUNK_VIDEO_S, fixed, plain_inputs, scaled
from simpy import Environment
from simpy.events import ProcessGenerator

from bench.capacity.jobs import Arrival, Job, at_once
from bench.capacity.lane_queue import Task
from bench.capacity.pool import Pool
from bench.capacity.system import Run, simulate


def test_one_gpu_makes_jobs_wait_as_the_formula_for_fixed_service_times_says() -> None:
    """M/D/1 (Pollaczek and Khinchine): ρ·s / (2·(1 − ρ))."""
    load, chunk_s = 0.6, 2.0
    arrivals = _poisson(15_000, load / chunk_s)

    run = simulate(arrivals, plain_inputs(chunk_s=chunk_s), fixed(1))

    assert np.mean([job.queued_s for job in run.jobs]) == pytest.approx(load * chunk_s / (2 * (1 - load)), rel=0.05)
    assert run.denoise.busy_s / run.denoise.paid_s == pytest.approx(load, rel=0.02)


def test_several_workers_make_tasks_wait_as_erlangs_formula_says() -> None:
    """M/M/c."""
    workers, load, mean_s = 3, 0.6, 10.0
    env, rng = Environment(), np.random.default_rng(0)
    waits_s: list[float] = []

    def serve(task: Task) -> ProcessGenerator:
        waits_s.append(env.now - task.job.arrival.at_s)
        yield env.timeout(rng.exponential(mean_s))

    pool = Pool(env, scaled(workers, workers), plain_inputs().scaling, serve)

    def publish() -> ProcessGenerator:
        for arrival in _poisson(40_000, workers * load / mean_s):
            yield env.timeout(arrival.at_s - env.now)
            pool.publish(Task(Job(arrival, 25), 0, 1))

    env.process(publish())
    env.run()

    must_wait = _erlang_c(workers, workers * load)
    assert np.mean(np.array(waits_s) > 0) == pytest.approx(must_wait, rel=0.05)
    assert np.mean(waits_s) == pytest.approx(must_wait * mean_s / (workers * (1 - load)), rel=0.05)


def test_chunks_that_are_there_at_once_take_as_many_rounds_as_there_are_gpus_for() -> None:
    arrivals = [Arrival(0.0, CHUNK_VIDEO_S)] * 1000

    run = simulate(arrivals, plain_inputs(chunk_s=3.0), fixed(64))

    assert max(job.finished_s for job in run.jobs) == pytest.approx(3.0 * math.ceil(1000 / 64))


def test_more_gpus_never_make_jobs_wait_longer() -> None:
    inputs = plain_inputs(preprocess_ms=16, composite_ms=86)
    arrivals = at_once(80, inputs.sizes, np.random.default_rng(0))

    runs = [simulate(arrivals, inputs, fixed(gpus)) for gpus in (1, 2, 5, 12, 30)]

    for fewer, more in pairwise(runs):
        for percentile in (50, 95, 100):
            assert np.percentile(_waits(more), percentile) <= np.percentile(_waits(fewer), percentile) + 1e-6


def test_stages_overlap_from_the_first_chunk_on() -> None:
    inputs = plain_inputs(chunk_s=1.0, preprocess_ms=10, composite_ms=10)

    run = simulate([Arrival(0.0, 20.0)], inputs, fixed(100))

    # 500 frames are preprocessed; behind the last one come one chunk and one segment of 250 frames.
    assert run.jobs[0].finished_s == pytest.approx(5.0 + 1.0 + 2.5)


def _poisson(jobs: int, per_s: float) -> list[Arrival]:
    """Jobs of one chunk."""
    times_s = np.cumsum(np.random.default_rng(1).exponential(1 / per_s, jobs))
    return [Arrival(at_s, CHUNK_VIDEO_S) for at_s in times_s.tolist()]


def _waits(run: Run) -> list[float]:
    return [job.queued_s for job in run.jobs]


def _erlang_c(servers: int, offered: float) -> float:
    """Probability that a job has to wait."""
    terms = [offered**n / math.factorial(n) for n in range(servers + 1)]
    last = terms[-1] * servers / (servers - offered)
    return last / (sum(terms[:-1]) + last)
