"""The exported forms of the UNet: constant conditioning given apart, classifier-free guidance inside.

A step sends its latents once. Guidance (Ho & Salimans 2022, arXiv:2207.12598) is ε_u + g·(ε_a − ε_u) with all-zero
audio in the unconditional branch. That branch is evaluated only if some row has g > 1.
"""

import torch
from torch import Tensor, nn

from export.unet import UNet3D
from services.denoise.schedule import alphas_cumprod


class FullStep(nn.Module):
    """(sample, timestep, audio) → noise and deep features, B×4×F×h×w and B×C×F×h×w."""

    def __init__(self, unet: UNet3D) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample: Tensor, timestep: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        prediction, deep_features = self.unet.forward_deep(sample, timestep, audio)
        return _noise(self.unet, prediction, sample, timestep), deep_features


class CachedStep(nn.Module):
    """(sample, timestep, audio, deep features) → noise, by the outermost layer alone."""

    def __init__(self, unet: UNet3D) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample: Tensor, timestep: Tensor, audio: Tensor, deep_features: Tensor) -> Tensor:
        prediction = self.unet.forward_cached(sample, timestep, audio, deep_features)
        return _noise(self.unet, prediction, sample, timestep)


def _noise(unet: UNet3D, prediction: Tensor, sample: Tensor, timestep: Tensor) -> Tensor:
    """The noise, from what the network predicts: ε itself, or v = √ᾱ·ε − √(1−ᾱ)·x₀, so that ε = √ᾱ·v + √(1−ᾱ)·x_t.

    Salimans & Ho 2022, arXiv:2202.00512, appendix D.
    """
    if unet.config.prediction_type == "epsilon":
        return prediction
    signal = torch.tensor(alphas_cumprod(), dtype=torch.float32, device=timestep.device)[timestep]
    signal = signal[:, None, None, None, None].to(prediction.dtype)
    latents = sample[:, : unet.config.out_channels]
    return signal.sqrt() * prediction + (1 - signal).sqrt() * latents


class GuidedUNet(nn.Module):
    """A guided denoising step that also gives the deep features DeepCache's cheap steps start from."""

    def __init__(self, step: nn.Module) -> None:
        """`step` has the signature of FullStep."""
        super().__init__()
        self.step = step

    def forward(
        self, latents: Tensor, conditioning: Tensor, audio: Tensor, timestep: Tensor, guidance_scale: Tensor
    ) -> tuple[Tensor, Tensor]:
        """latents B×4×F×h×w, conditioning B×9×F×h×w, audio B×F×S×D, timestep B int64, guidance_scale B.

        Returns the noise, B×4×F×h×w, and the deep features, B×branches×C×F×h×w: two branches, the unconditional one
        first, if any row is guided, else one.
        """
        unconditional = _unconditional_rows(guidance_scale)
        sample, step_timestep, step_audio = _branches(latents, conditioning, audio, timestep, unconditional)
        noise, deep_features = self.step(sample, step_timestep, step_audio)
        batch = latents.shape[0]
        by_branch = deep_features.reshape(-1, batch, *deep_features.shape[1:]).transpose(0, 1)
        return _guide(noise, guidance_scale, unconditional), by_branch


class GuidedCachedUNet(nn.Module):
    """A guided DeepCache step: the noise from an earlier step's deep features."""

    def __init__(self, step: nn.Module) -> None:
        """`step` has the signature of CachedStep."""
        super().__init__()
        self.step = step

    def forward(
        self,
        latents: Tensor,
        conditioning: Tensor,
        audio: Tensor,
        timestep: Tensor,
        guidance_scale: Tensor,
        deep_features: Tensor,
    ) -> Tensor:
        """Inputs of GuidedUNet and its deep features, B×branches×C×F×h×w → the noise, B×4×F×h×w.

        The audio branch is the last one given, so a row batched with guided ones in the full step needs no others here.
        """
        unconditional = _unconditional_rows(guidance_scale)
        sample, step_timestep, step_audio = _branches(latents, conditioning, audio, timestep, unconditional)
        step_deep = torch.cat((deep_features[:, 0].index_select(0, unconditional), deep_features[:, -1]))
        return _guide(self.step(sample, step_timestep, step_audio, step_deep), guidance_scale, unconditional)


def _unconditional_rows(guidance_scale: Tensor) -> Tensor:
    """Row numbers 0…B−1 if any row is guided, else none: what the unconditional branch has to evaluate.

    Nonzero and row selection, because engines whose slices must be known before they run support these on data.
    """
    return torch.nonzero((guidance_scale > 1).any().expand(guidance_scale.shape[0])).flatten()


def _branches(
    latents: Tensor, conditioning: Tensor, audio: Tensor, timestep: Tensor, unconditional: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Sample, timestep and audio of both branches along the batch, the unconditional rows first."""

    def both(x: Tensor) -> Tensor:
        return torch.cat((x.index_select(0, unconditional), x))

    silence = torch.zeros_like(audio).index_select(0, unconditional)
    return both(torch.cat((latents, conditioning), dim=1)), both(timestep), torch.cat((silence, audio))


def _guide(noise: Tensor, guidance_scale: Tensor, unconditional: Tensor) -> Tensor:
    """Combines the branches; a row with g ≤ 1 is exactly its audio branch."""
    row = torch.arange(guidance_scale.shape[0], device=noise.device)
    silent = noise.index_select(0, row)
    heard = noise.index_select(0, row + unconditional.shape[0])
    scale = guidance_scale[:, None, None, None, None]
    return torch.where(scale > 1, silent + scale * (heard - silent), heard)
