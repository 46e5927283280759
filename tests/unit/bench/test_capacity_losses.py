from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from capacity_inputs import CHUNK_VIDEO_S, fixed, plain_inputs, scaled
from simpy import Environment
from simpy.events import ProcessGenerator

from bench.capacity.jobs import Arrival, Job, at_once
from bench.capacity.lane_queue import Task
from bench.capacity.pool import Mortality, Pool
from bench.capacity.system import Case, simulate


class FixedLives(Random):
    """Workers live as long as they are told to, in the order of their start."""

    def __init__(self, *lives_s: float) -> None:
        super().__init__()
        self._lives_s: Iterator[float] = iter(lives_s)

    def expovariate(self, lambd: float = 1.0) -> float:
        return next(self._lives_s, 1e9)


@pytest.mark.parametrize("drain_notice", [True, False])
@pytest.mark.parametrize("scaling", [False, True])
def test_every_chunk_is_done_exactly_once_although_gpus_are_lost(drain_notice: bool, scaling: bool) -> None:
    inputs = plain_inputs(chunk_s=5.0, preprocess_ms=16, composite_ms=86, mean_life_h=0.1)
    arrivals = at_once(100, inputs.sizes, np.random.default_rng(1))
    case = Case("", scaled(0 if scaling else 10, 10), spot=True, drain_notice=drain_notice)

    run = simulate(arrivals, inputs, case)

    chunks = sum(job.chunks for job in run.jobs)
    assert run.denoise.lost > 10
    assert run.denoise.handed_back > 10
    assert all(job.chunk_done == bytes([1]) * job.chunks for job in run.jobs)
    assert all(set(job.lacking) == {0} and job.segments_left == 0 for job in run.jobs)
    assert run.denoise.busy_s == pytest.approx(5.0 * chunks)
    assert run.denoise.busy_s < run.denoise.paid_s


@pytest.mark.parametrize(("redelivery_s", "done_s"), [(0.0, 40.0 + 100.0), (30.0, 40.0 + 30.0 + 100.0)])
def test_a_lost_gpus_chunk_is_begun_anew_elsewhere_after_the_redelivery_time(
    redelivery_s: float, done_s: float
) -> None:
    env = Environment()
    done: list[float] = []
    pool = _pool(env, done, 2, Mortality(1.0, redelivery_s, FixedLives(40.0)))

    pool.publish(_task())
    env.run(1000)

    assert done == [done_s]
    assert (pool.use.lost, pool.use.handed_back) == (1, 1)


def test_a_lost_gpu_is_replaced_by_one_that_starts_cold() -> None:
    env = Environment()
    done: list[float] = []
    pool = _pool(env, done, 1, Mortality(1.0, 30.0, FixedLives(40.0)))

    pool.publish(_task())
    env.run(1000)

    assert done == [40.0 + 200.0 + 100.0]
    assert [workers for _, workers in pool.use.workers] == [0, 1, 0, 1]


@pytest.mark.parametrize("lives_s", [(40.0, 1e9), (1e9, 40.0)], ids=["the other is woken", "woken as it is lost"])
def test_a_gpu_lost_while_idle_takes_nothing_with_it(lives_s: tuple[float, float]) -> None:
    env = Environment()
    done: list[float] = []
    pool = _pool(env, done, 2, Mortality(1.0, 30.0, FixedLives(*lives_s)))

    env.run(40.0)
    pool.publish(_task())
    env.run(1000)

    assert done == [40.0 + 100.0]
    assert (pool.use.lost, pool.use.handed_back) == (1, 0)


@pytest.mark.parametrize(("drain_s", "handed_back"), [(120.0, 0), (10.0, 1)])
def test_a_core_that_is_scaled_away_finishes_what_it_can_within_the_drain_time(
    drain_s: float, handed_back: int
) -> None:
    """The younger core is removed while the longer of two preprocessing runs is on it."""
    inputs = plain_inputs(preprocess_ms=400, drain_s=drain_s)
    pools = inputs.pools.model_copy(update={"preprocess": scaled(1, 2, 0.0, tasks_per_worker=1)})
    inputs = inputs.model_copy(
        update={"pools": pools, "scaling": inputs.scaling.model_copy(update={"stabilization_s": 0})}
    )

    run = simulate([Arrival(0.0, 10.0), Arrival(1.0, 20.0)], inputs, fixed(4))

    assert run.preprocess.handed_back == handed_back
    assert all(job.chunk_done == bytes([1]) * job.chunks for job in run.jobs)


def test_the_same_seed_gives_the_same_run() -> None:
    inputs = plain_inputs(chunk_s=5.0, mean_life_h=0.1)
    arrivals = at_once(50, inputs.sizes, np.random.default_rng(2))

    ends = [
        [job.finished_s for job in simulate(arrivals, inputs, fixed(4, spot=True), seed).jobs] for seed in (7, 7, 8)
    ]

    assert ends[0] == ends[1]
    assert ends[0] != ends[2]


def _pool(env: Environment, done: list[float], workers: int, mortality: Mortality) -> Pool:
    def serve(task: Task) -> ProcessGenerator:
        yield env.timeout(100.0)
        done.append(env.now)

    return Pool(env, scaled(workers, workers), plain_inputs().scaling, serve, mortality=mortality)


def _task() -> Task:
    return Task(Job(Arrival(0.0, CHUNK_VIDEO_S), 25), 0, 1)
