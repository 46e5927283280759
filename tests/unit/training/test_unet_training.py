"""Training the denoising network: what it is shown and which of it learns."""

import numpy as np
import torch
from torch import nn

from export.unet import UNet3D
from export.variants import DEMO
from services.denoise.schedule import alphas_cumprod
from training.losses.one_step import v_target
from training.unet import sampled, train_only


def test_only_named_parameters_are_trained() -> None:
    unet = UNet3D(DEMO.unet)

    train_only(unet, ["motion_modules.", "attentions."])

    trained = {name for name, parameter in unet.named_parameters() if parameter.requires_grad}
    assert trained == {
        name for name, _ in unet.named_parameters() if "motion_modules." in name or "attentions." in name
    }
    assert 0 < len(trained) < len(list(unet.named_parameters()))


class KnowsTheClean(nn.Module):
    """A perfect v-predicting network for one clip."""

    config = DEMO.unet

    def __init__(self, clean: torch.Tensor) -> None:
        super().__init__()
        self.clean = clean

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        kept = torch.tensor(alphas_cumprod(), dtype=torch.float32)
        signal = kept[timestep].view(-1, 1, 1, 1, 1)
        noise = (sample[:, :4] - signal.sqrt() * self.clean) / (1 - signal).sqrt()
        return v_target(self.clean, noise, timestep, kept)


def test_the_sheets_sampler_arrives_where_a_perfect_network_points() -> None:
    clean = torch.randn(1, 4, 3, 4, 4, generator=torch.Generator().manual_seed(1))

    made = sampled(KnowsTheClean(clean), torch.zeros(1, 9, 3, 4, 4), torch.zeros(1, 3, 5, 8), steps=5, guidance=2.0)  # type: ignore[arg-type]

    # DDIM as published ends with the noise of the first training step.
    signal = alphas_cumprod()[0] ** 0.5
    np.testing.assert_allclose(made, signal * clean, atol=4 * (1 - signal**2) ** 0.5)
    assert np.corrcoef(made.flatten(), clean.flatten())[0, 1] > 0.999
