"""Noising and the one-step estimate against the reference's."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from training.losses.one_step import add_noise, predicted_x0


def test_noising_and_the_one_step_estimate_meet_the_reference(golden: Path) -> None:
    recorded = load_file(golden / "ddim.safetensors")
    clean, noise, timestep = (recorded[f"train_{name}"] for name in ("latents", "noise", "t"))
    alphas_cumprod = recorded["alphas_cumprod"]

    noisy = add_noise(clean, noise, timestep.long(), alphas_cumprod)
    estimate = predicted_x0(recorded["train_noisy"], 0.9 * noise, timestep.long(), alphas_cumprod, "epsilon")

    torch.testing.assert_close(noisy, recorded["train_noisy"], atol=2e-5, rtol=0)
    torch.testing.assert_close(estimate, recorded["train_one_step_x0"], atol=2e-5, rtol=0)
