"""DPM-Solver++(2M) against diffusers' implementation of the same variant."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.denoise.dpm_solver import DpmSolver

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")


def toy_noise(latents: NDArray[np.float32], timestep: int) -> NDArray[np.float32]:
    return (0.3 * latents + 0.1 * np.sin(3 * latents) + 0.2 * timestep / 1000).astype(np.float32)


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 15, 20, 50])
def test_every_step_is_that_of_diffusers(steps: int) -> None:
    theirs = diffusers.DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="linspace",
        final_sigmas_type="sigma_min",
        euler_at_final=True,
    )
    theirs.set_timesteps(steps)
    assert DpmSolver().timesteps(steps).tolist() == theirs.timesteps.tolist()

    sampler = DpmSolver().start(steps)
    latents = np.random.default_rng(0).standard_normal((1, 4, 3, 8, 8), np.float32)
    for timestep in theirs.timesteps:
        noise_pred = toy_noise(latents, int(timestep))
        expected = theirs.step(torch.from_numpy(noise_pred), timestep, torch.from_numpy(latents)).prev_sample
        latents = sampler.step(noise_pred, latents)
        np.testing.assert_allclose(latents, expected.numpy(), atol=2e-5, rtol=0)
