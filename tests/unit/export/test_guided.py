"""Guidance inside the exported UNet, on a step small enough to compute by hand."""

import torch
from torch import Tensor, nn

from export.guided import GuidedCachedUNet, GuidedUNet


class AudioMeanStep(nn.Module):
    """Noise = the frame's mean audio value plus the first latent channel; remembers how many clips it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.clips = 0

    def forward(self, sample: Tensor, timestep: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        self.clips = sample.shape[0]
        heard = audio.mean(dim=(2, 3))[:, None, :, None, None]
        noise = heard + sample[:, :1] + 0 * timestep[:, None, None, None, None]
        return noise.expand(-1, 4, -1, -1, -1), noise.expand(-1, 3, -1, -1, -1)


class DeepStep(nn.Module):
    """Noise = the deep features' first channel."""

    def forward(self, sample: Tensor, timestep: Tensor, audio: Tensor, deep_features: Tensor) -> Tensor:
        assert sample.shape[0] == deep_features.shape[0] == audio.shape[0] == timestep.shape[0]
        return deep_features[:, :1].expand(-1, 4, -1, -1, -1)


def step_inputs(*guidance_scale: float) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    batch, frames = len(guidance_scale), 2
    return (
        torch.randn(batch, 4, frames, 3, 3),
        torch.randn(batch, 9, frames, 3, 3),
        torch.randn(batch, frames, 5, 6),
        torch.arange(batch),
        torch.tensor(guidance_scale),
    )


def test_without_guidance_only_the_audio_branch_is_evaluated() -> None:
    step = AudioMeanStep()
    inputs = step_inputs(1.0, 0.5, 0.0)

    noise, deep_features = GuidedUNet(step)(*inputs)

    assert step.clips == 3
    assert deep_features.shape[:2] == (3, 1)
    assert torch.equal(noise, step(torch.cat(inputs[:2], dim=1), inputs[3], inputs[2])[0])


def test_guidance_extrapolates_from_silence_to_audio() -> None:
    step = AudioMeanStep()
    latents, conditioning, audio, timestep, guidance_scale = step_inputs(2.0, 1.5)

    noise, deep_features = GuidedUNet(step)(latents, conditioning, audio, timestep, guidance_scale)

    heard = audio.mean(dim=(2, 3))[:, None, :, None, None]
    expected = latents[:, :1] + guidance_scale[:, None, None, None, None] * heard
    assert step.clips == 4
    assert torch.allclose(noise, expected.expand_as(noise), atol=1e-6)
    assert torch.allclose(deep_features[:, 0], latents[:, :1].expand(-1, 3, -1, -1, -1))
    assert torch.allclose(deep_features[:, 1], (latents[:, :1] + heard).expand(-1, 3, -1, -1, -1))


def test_an_unguided_row_among_guided_ones_is_exactly_its_audio_branch() -> None:
    inputs = step_inputs(2.0, 1.0)

    noise, deep_features = GuidedUNet(AudioMeanStep())(*inputs)

    assert torch.equal(noise[1, 0], deep_features[1, 1, 0])


def test_a_cached_step_guides_each_branch_with_its_own_deep_features() -> None:
    inputs = step_inputs(2.0, 1.0)
    deep_features = torch.randn(2, 2, 3, 2, 3, 3)

    noise = GuidedCachedUNet(DeepStep())(*inputs, deep_features)

    silent, heard = deep_features[0, 0, 0], deep_features[0, 1, 0]
    assert torch.allclose(noise[0, 0], silent + 2.0 * (heard - silent), atol=1e-6)
    assert torch.equal(noise[1, 0], deep_features[1, 1, 0])


def test_an_unguided_cached_step_uses_the_audio_branch_of_a_row_that_was_batched_with_guided_ones() -> None:
    inputs = step_inputs(1.0)
    deep_features = torch.randn(1, 2, 3, 2, 3, 3)

    noise = GuidedCachedUNet(DeepStep())(*inputs, deep_features)

    assert torch.equal(noise[0, 0], deep_features[0, 1, 0])
