"""The cases that are compared."""

import numpy as np

from bench.capacity.inputs import Inputs
from bench.capacity.jobs import HOUR_S, at_once, beside_a_long_one, through_a_day
from bench.capacity.system import Case, Run, simulate

DAY_S = 24 * HOUR_S


def day_runs(inputs: Inputs, seed: int) -> list[Run]:
    """One day's jobs, with and without scaling to zero, cold starts and losses."""
    pool = inputs.pools.denoise
    to_zero = pool.model_copy(update={"min_workers": 0})
    cases = [
        Case(f"{inputs.day.fixed_gpus} fixed", pool.fixed(inputs.day.fixed_gpus)),
        Case("at least 1", pool.model_copy(update={"min_workers": 1})),
        Case("to zero", to_zero),
        Case("to zero, no cold start", to_zero.model_copy(update={"cold_start_s": 0.0})),
        Case("to zero, spot with notice", to_zero, spot=True),
        Case("to zero, spot without notice", to_zero, spot=True, drain_notice=False),
    ]
    arrivals = through_a_day(inputs.day, inputs.sizes, np.random.default_rng(seed))
    return [simulate(arrivals, inputs, case, seed, DAY_S) for case in cases]


def threshold_runs(inputs: Inputs, seed: int) -> list[Run]:
    """The same day, scaled to zero and back by other thresholds."""
    pool = inputs.pools.denoise.model_copy(update={"min_workers": 0})
    cases = [
        Case(f"{tasks:g} chunks", pool.model_copy(update={"tasks_per_worker": tasks}))
        for tasks in inputs.threshold.tasks_per_worker
    ]
    arrivals = through_a_day(inputs.day, inputs.sizes, np.random.default_rng(seed))
    return [simulate(arrivals, inputs, case, seed, DAY_S) for case in cases]


def at_once_runs(inputs: Inputs, seed: int) -> list[Run]:
    """Very many jobs at the same moment, from zero GPUs; last, on spot GPUs that go without notice."""
    sizes = inputs.at_once.gpus
    pools = [inputs.pools.denoise.model_copy(update={"min_workers": 0, "max_workers": most}) for most in sizes]
    cases = [Case(f"at most {pool.max_workers}", pool) for pool in pools]
    spot = Case(f"at most {pools[-1].max_workers}, spot without notice", pools[-1], spot=True, drain_notice=False)
    arrivals = at_once(inputs.at_once.jobs, inputs.sizes, np.random.default_rng(seed))
    return [simulate(arrivals, inputs, case, seed) for case in [*cases, spot]]


def beside_runs(inputs: Inputs, seed: int) -> list[Run]:
    """Small jobs beside a long one: with lanes, first in first out, and without the long one."""
    pool = inputs.pools.denoise.fixed(inputs.beside.gpus)
    arrivals = beside_a_long_one(inputs.beside, np.random.default_rng(seed))
    return [
        simulate(arrivals, inputs, Case("lanes", pool), seed),
        simulate(arrivals, inputs, Case("first in, first out", pool, fair=False), seed),
        simulate(arrivals[1:], inputs, Case("no long job", pool), seed),
    ]
