"""Samples of the autoencoder's posterior against the reference's."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from services.denoise.latents import posterior_mean_std, sampled_latents


def test_samples_are_the_references(golden: Path) -> None:
    expected = load_file(golden / "vae_small_io.safetensors")
    moments = np.concatenate([expected["mean"], expected["logvar"]], axis=1)
    np.testing.assert_allclose(posterior_mean_std(moments)[1], expected["std"], atol=2e-5, rtol=0)
    np.testing.assert_allclose(
        sampled_latents(moments, expected["eps"]), expected["sample"] * 0.18215, atol=2e-5 * 0.18215, rtol=0
    )
