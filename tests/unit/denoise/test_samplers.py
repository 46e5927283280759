"""Both samplers on problems whose solution is known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from services.denoise.ddim import Ddim
from services.denoise.dpm_solver import DpmSolver
from services.denoise.schedule import Scheduler, alphas_cumprod, betas

SCHEDULERS: list[Scheduler] = [Ddim(), DpmSolver()]
ALPHAS = alphas_cumprod()
SHAPE = (1, 4, 2, 8, 8)

Predict = Callable[[NDArray[np.float32], int], NDArray[np.float32]]


def normal(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(SHAPE, np.float32)


def sample(scheduler: Scheduler, steps: int, latents: NDArray[np.float32], predict: Predict) -> NDArray[np.float32]:
    sampler = scheduler.start(steps)
    for timestep in scheduler.timesteps(steps):
        latents = sampler.step(predict(latents, int(timestep)), latents)
    return latents


def gaussian_data(variance: float) -> Predict:
    """The perfect noise prediction for clean latents that are N(0, variance)."""

    def predict(latents: NDArray[np.float32], timestep: int) -> NDArray[np.float32]:
        alpha = ALPHAS[timestep]
        return np.float32(np.sqrt(1 - alpha) / (alpha * variance + 1 - alpha)) * latents

    return predict


def relative_error(scheduler: Scheduler, steps: int, variance: float = 0.3) -> float:
    """Against the exact solution of the probability-flow ODE, which scales latents with their standard deviation."""
    noise = normal(0)
    start = ALPHAS[scheduler.timesteps(steps)[0]]
    exact = noise * np.sqrt((ALPHAS[0] * variance + 1 - ALPHAS[0]) / (start * variance + 1 - start))
    found = sample(scheduler, steps, noise, gaussian_data(variance))
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def test_the_schedule_adds_noise_monotonously_to_nearly_pure_noise() -> None:
    assert betas()[[0, -1]] == pytest.approx([0.00085, 0.012])
    assert (np.diff(ALPHAS) < 0).all()
    assert ALPHAS[0] == pytest.approx(0.99915)
    assert ALPHAS[-1] < 0.005


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 3, 8, 20, 50])
def test_timesteps_descend_within_the_trained_range(scheduler: Scheduler, steps: int) -> None:
    timesteps = scheduler.timesteps(steps)
    assert timesteps.dtype == np.int64
    assert len(timesteps) == steps
    assert (np.diff(timesteps) < 0).all()
    assert timesteps[-1] >= 1
    assert timesteps[0] <= 999


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 7, 20])
def test_perfect_predictions_lead_to_the_clean_latents_with_the_last_trace_of_noise(
    scheduler: Scheduler, steps: int
) -> None:
    clean, noise = normal(1), normal(2)
    alpha = ALPHAS[scheduler.timesteps(steps)[0]]
    start = (np.sqrt(alpha) * clean + np.sqrt(1 - alpha) * noise).astype(np.float32)
    end = sample(scheduler, steps, start, lambda latents, timestep: noise)
    assert end.dtype == np.float32
    np.testing.assert_allclose(end, np.sqrt(ALPHAS[0]) * clean + np.sqrt(1 - ALPHAS[0]) * noise, atol=2e-5)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_interleaved_walks_do_not_disturb_each_other(scheduler: Scheduler) -> None:
    predict, starts = gaussian_data(0.3), [normal(3), normal(4)]
    walks = [scheduler.start(8), scheduler.start(8)]
    latents = list(starts)
    for timestep in scheduler.timesteps(8):
        latents = [walk.step(predict(now, int(timestep)), now) for walk, now in zip(walks, latents, strict=True)]
    for start, end in zip(starts, latents, strict=True):
        np.testing.assert_array_equal(end, sample(scheduler, 8, start, predict))


@pytest.mark.parametrize("steps", [10, 20, 40])
def test_twice_the_steps_halve_the_error_of_ddim_and_cut_that_of_dpm_solver_further(steps: int) -> None:
    """Not quite to a quarter: near t = 0 whole timesteps are too coarse for the second order to show in full."""
    assert 1.7 < relative_error(Ddim(), steps, 1.0) / relative_error(Ddim(), 2 * steps, 1.0) < 2.2
    assert 2.5 < relative_error(DpmSolver(), steps, 1.0) / relative_error(DpmSolver(), 2 * steps, 1.0) < 4.2


def test_twenty_steps_of_dpm_solver_beat_thirty_five_of_ddim() -> None:
    assert relative_error(DpmSolver(), 20) < relative_error(Ddim(), 35)


def test_dpm_solver_comes_closer_to_the_limit_of_ddim_than_ddim_itself() -> None:
    predict = gaussian_data(0.3)
    limit = sample(Ddim(), 500, normal(5), predict)
    by_dpm = sample(DpmSolver(), 20, normal(5), predict)
    by_ddim = sample(Ddim(), 20, normal(5), predict)
    assert np.abs(by_dpm - limit).max() < 0.6 * np.abs(by_ddim - limit).max()
