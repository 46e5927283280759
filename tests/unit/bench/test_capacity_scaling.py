from itertools import pairwise

import pytest
from capacity_inputs import plain_inputs, scaled

from bench.capacity.autoscaler import Autoscaler
from bench.capacity.figures import figures
from bench.capacity.inputs import Scaling
from bench.capacity.jobs import Arrival
from bench.capacity.system import Case, simulate

SCALING = Scaling(polling_s=15, stabilization_s=60, cooldown_s=100, drain_s=120)
TWO_JOBS = [Arrival(100.0, 5.0), Arrival(5000.0, 5.0)]


def test_a_pool_doubles_or_grows_by_four_per_period_up_to_its_limit() -> None:
    autoscaler = Autoscaler(scaled(0, 30), SCALING)

    workers = [0]
    for period in range(6):
        workers.append(autoscaler.wanted(15.0 * period, 10_000, workers[-1]))

    assert workers == [0, 1, 5, 10, 20, 30, 30]


def test_a_pool_shrinks_to_the_highest_need_of_the_stabilization_window() -> None:
    autoscaler = Autoscaler(scaled(1, 30), SCALING)

    needs = [autoscaler.wanted(at_s, tasks, 8) for at_s, tasks in ((0, 80), (15, 50), (60, 20), (61, 20), (80, 20))]

    assert needs == [8, 8, 8, 5, 2]


def test_a_pool_goes_to_zero_only_after_the_cool_down() -> None:
    autoscaler = Autoscaler(scaled(0, 30), SCALING)

    assert [autoscaler.wanted(at_s, tasks, 1) for at_s, tasks in ((0, 5), (50, 0), (99, 0), (100, 0))] == [1, 1, 1, 0]


def test_scaling_to_zero_reaches_zero_between_jobs_and_pays_nothing_there() -> None:
    inputs = plain_inputs()

    run = simulate(TWO_JOBS, inputs, Case("", scaled(0, 4)))

    counts = [workers for _, workers in run.denoise.workers]
    assert counts == [0, 1, 0, 1, 0]
    # Each time: cold start, 8 chunks of 1 s, cool-down, and at most two polling intervals.
    assert 2 * (200 + 8 + 285) <= run.denoise.paid_s <= 2 * (200 + 8 + 300 + 30)


def test_the_first_job_after_zero_waits_for_the_poll_and_the_cold_start() -> None:
    inputs = plain_inputs()

    cold, warm = (simulate(TWO_JOBS, inputs, Case("", scaled(least, 4))) for least in (0, 1))

    assert all(200.0 <= job.queued_s <= 215.0 for job in cold.jobs)
    assert all(job.queued_s == 0.0 for job in warm.jobs)
    assert min(workers for _, workers in warm.denoise.workers[1:]) == 1


@pytest.mark.parametrize("least", [0, 2])
@pytest.mark.parametrize("cold_start_s", [0.0, 200.0])
def test_figures_account_for_every_gpu_second(least: int, cold_start_s: float) -> None:
    inputs = plain_inputs(chunk_s=9.0)
    arrivals = [Arrival(60.0 * minute, 20.0) for minute in range(60)]

    run = simulate(arrivals, inputs, Case("", scaled(least, 8, cold_start_s)))
    found = figures(run, inputs)

    changes = [*run.denoise.workers, (run.duration_s, 0)]
    area_s = sum(workers * (after - at) for (at, workers), (after, _) in pairwise(changes))
    assert run.denoise.paid_s == pytest.approx(area_s)
    assert found.gpu_hours == pytest.approx(area_s / 3600)
    assert found.gpus_mean <= found.gpus_max <= 8
    assert 0 < found.utilisation <= 1
    assert found.utilisation == pytest.approx(60 * 32 * 9.0 / area_s)
    assert found.cost_per_minute == pytest.approx(3.6 * area_s / 3600 / 20)
