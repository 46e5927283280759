"""Training the autoencoder: what surrounds the network."""

import numpy as np
import torch

from export.random_weights import randomize
from export.vae import VaeDecoder, VaeEncoder, build_vae
from export.variants import DEMO
from services.denoise.latents import SCALING_FACTOR
from training.vae import fold_latent_statistics, mouth_weights


def test_folding_normalises_latents_and_keeps_images() -> None:
    vae = build_vae(DEMO.vae)
    randomize(vae, seed=1)
    faces = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1

    def encoded() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            mean, logvar = VaeEncoder(vae)(faces).chunk(2, dim=1)
            return mean, (0.5 * logvar).exp(), VaeDecoder(vae)(mean)

    _, _, before = encoded()
    fold_latent_statistics(vae, faces)
    mean, spread, after = encoded()

    scaled = mean * float(SCALING_FACTOR)
    np.testing.assert_allclose(scaled.mean(dim=(0, 2, 3)), np.zeros(4), atol=1e-3)
    np.testing.assert_allclose(scaled.std(dim=(0, 2, 3)), np.ones(4), rtol=1e-3)
    assert spread.max() < 1e-6
    np.testing.assert_allclose(after, before, atol=2e-4)


def test_the_mouth_weighs_more() -> None:
    weights = mouth_weights(128, 3.0)

    assert weights[0, 90, 64] == 3
    assert weights[0, 20, 64] == weights[0, 90, 4] == 1
