"""The DDIM sampler against the reference's scheduler."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from services.denoise.ddim import Ddim
from services.denoise.schedule import alphas_cumprod, betas, predicted_clean

ATOL = 2e-5
STEPS = [1, 3, 7, 10, 20, 25, 50]


def toy_noise(latents: NDArray[np.float32], timestep: int) -> NDArray[np.float32]:
    return (0.3 * latents + 0.1 * np.sin(3 * latents) + 0.2 * timestep / 1000).astype(np.float32)


def walk(initial: NDArray[np.float32], steps: int) -> list[NDArray[np.float32]]:
    sampler, latents, visited = Ddim().start(steps), initial, []
    for timestep in Ddim().timesteps(steps):
        latents = sampler.step(toy_noise(latents, int(timestep)), latents)
        visited.append(latents)
    return visited


def test_the_noise_schedule_is_the_references(golden: Path) -> None:
    expected = load_file(golden / "ddim.safetensors")
    np.testing.assert_allclose(betas(), expected["betas"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(alphas_cumprod(), expected["alphas_cumprod"], atol=1e-6, rtol=0)
    final = json.loads((golden / "ddim.json").read_text())["final_alpha_cumprod"]
    assert alphas_cumprod()[0] == pytest.approx(final, abs=1e-7)


@pytest.mark.parametrize("steps", STEPS)
def test_timesteps_are_the_references(golden: Path, steps: int) -> None:
    expected = json.loads((golden / "ddim.json").read_text())[f"timesteps_{steps}"]
    assert Ddim().timesteps(steps).tolist() == expected


@pytest.mark.parametrize("steps", STEPS)
def test_the_walk_ends_where_the_references_does(golden: Path, steps: int) -> None:
    expected = load_file(golden / "ddim.safetensors")
    final = walk(expected["initial_noise"], steps)[-1]
    np.testing.assert_allclose(final, expected[f"final_{steps}"], atol=ATOL, rtol=0)


def test_every_one_of_twenty_steps_is_the_references(golden: Path) -> None:
    expected = load_file(golden / "ddim.safetensors")
    visited = walk(expected["initial_noise"], 20)
    np.testing.assert_allclose(visited, expected["per_step_20"], atol=ATOL, rtol=0)


def test_added_noise_and_the_clean_latents_it_hides_are_the_references(golden: Path) -> None:
    expected = load_file(golden / "ddim.safetensors")
    for i, timestep in enumerate(expected["train_t"]):
        alpha = alphas_cumprod()[timestep]
        signal, noise = np.float32(alpha**0.5), np.float32((1 - alpha) ** 0.5)
        noisy = signal * expected["train_latents"][i] + noise * expected["train_noise"][i]
        np.testing.assert_allclose(noisy, expected["train_noisy"][i], atol=ATOL, rtol=0)
        clean = predicted_clean(noisy, np.float32(0.9) * expected["train_noise"][i], signal, noise)
        np.testing.assert_allclose(clean, expected["train_one_step_x0"][i], atol=ATOL, rtol=0)
