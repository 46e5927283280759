"""Trains the denoising network: noise in latents first, frame by frame, then clips with losses on decoded pixels.

The losses are LatentSync's (Li et al. 2024, arXiv:2412.09262): denoising, and on the one-step estimate of the clean
faces reconstruction, sync by StableSyncNet and TREPA. Audio is dropped now and then, so that guidance has an
unconditional branch to lean on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from bench.quality.sync_mel import sync_mel
from export.unet import UNet3D
from export.vae import VaeDecoder
from services.common.face_mask import latent_mask
from services.denoise.ddim import Ddim
from services.denoise.latents import SCALING_FACTOR
from services.denoise.schedule import TRAINING_STEPS, alphas_cumprod
from training.latent_clips import DubbingBatch
from training.losses.mixed_noise import mixed_noise
from training.losses.noise import noise_mse
from training.losses.one_step import add_noise, predicted_noise, predicted_x0, v_target
from training.losses.reconstruction import reconstruction
from training.losses.sync import sync_loss
from training.losses.trepa import VideoEncoder, trepa
from training.settings import LoopSettings, Positive
from training.sheets import as_rgb, grid
from training.stable_syncnet import StableSyncNet
from training.vae import mouth_weights


class UNetSettings(LoopSettings):
    frames: Positive = 16
    trained: tuple[str, ...] = ("",)
    """Only parameters whose name contains one of these are trained."""
    mouth_weight: float = Field(1.0, gt=0)
    """Of latents over mouth and chin in the denoising loss; others inside the mask count 1."""
    outside_weight: float = Field(1.0, ge=0)
    """Of latents outside the mask, whose pixels the source's replace in the end."""
    audio_dropout: float = Field(0.1, ge=0, lt=1)
    noisy_bias: float = Field(1.0, ge=1)
    """1 draws timesteps uniformly; more makes noisy ones, where the mouth's shape is decided, likelier."""
    noise_alpha: float = Field(1.0, ge=0)
    pixel_share: float = Field(0.0, ge=0, le=1)
    """Steps that also decode their estimate; its losses count as much as if every step did."""
    reconstruction_weight: float = Field(0.0, ge=0)
    sync_weight: float = Field(0.0, ge=0)
    trepa_weight: float = Field(0.0, ge=0)


class DubbingClips(Protocol):
    def draw(self, rng: np.random.Generator, count: int, frames: int) -> DubbingBatch: ...


@dataclass(frozen=True)
class Supervision:
    """Frozen networks the pixel losses look through; a loss with a weight needs its network."""

    vae: AutoencoderKL
    syncnet: StableSyncNet | None = None
    video_encoder: VideoEncoder | None = None


class UNetTask:
    """See the module."""

    def __init__(
        self, settings: UNetSettings, clips: DubbingClips, shown: DubbingBatch, supervision: Supervision
    ) -> None:
        """`shown` is a small batch of unseen people for the sample sheets."""
        self._settings = settings
        self._clips = clips
        self._shown = shown
        self._supervision = supervision
        self._alphas_cumprod = torch.tensor(alphas_cumprod())
        self._weights = _latent_weights(shown.faces.shape[-1], settings)

    def batch(self, rng: np.random.Generator) -> DubbingBatch:
        return self._clips.draw(rng, self._settings.batch_size, self._settings.frames)

    def losses(self, network: nn.Module, batch: DubbingBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        assert isinstance(network, UNet3D)
        device = generator.device
        clean, conditioning = batch.clean.to(device), batch.conditioning.to(device)
        audio = _with_dropout(batch.audio.to(device), self._settings.audio_dropout, generator)
        batch_size, channels, frames, height, width = clean.shape
        noise = mixed_noise((batch_size, channels, frames, height, width), self._settings.noise_alpha, generator)
        timestep = self._timesteps(len(clean), generator)
        sample = add_noise(clean, noise, timestep, self._alphas_cumprod)
        prediction = network(torch.cat((sample, conditioning), dim=1), timestep, audio).float()
        is_v = network.config.prediction_type == "v_prediction"
        target = v_target(clean, noise, timestep, self._alphas_cumprod) if is_v else noise
        losses = {"denoising": noise_mse(prediction, target, self._weights.to(device))}
        if torch.rand((), generator=generator, device=device) < self._settings.pixel_share:
            estimate = predicted_x0(sample, prediction, timestep, self._alphas_cumprod, network.config.prediction_type)
            losses |= self._pixel_losses(estimate, batch)
        return {"total": self._total(losses), **losses}

    def _pixel_losses(self, estimate: Tensor, batch: DubbingBatch) -> dict[str, Tensor]:
        supervision, settings = self._supervision, self._settings
        real = batch.faces.to(estimate.device)
        fake = decoded(supervision.vae, estimate)
        losses = {}
        if settings.reconstruction_weight:
            weights = torch.from_numpy(mouth_weights(real.shape[-1], 4.0)).to(real.device)[:, None]
            half = real.shape[-1] // 2
            losses["reconstruction"] = reconstruction(
                fake[..., half:, :], real[..., half:, :], weights[..., half:, :], l2=0.5
            )
        if settings.sync_weight and supervision.syncnet:
            mels = torch.stack([torch.from_numpy(sync_mel(wave.numpy())) for wave in batch.waves])
            windows = mels[:, None, :, : supervision.syncnet.config.mel_columns].to(real.device)
            losses["sync"] = sync_loss(supervision.syncnet, fake, windows)
        if settings.trepa_weight and supervision.video_encoder:
            losses["trepa"] = trepa(supervision.video_encoder, fake, real)
        return losses

    def _total(self, losses: Mapping[str, Tensor]) -> Tensor:
        settings = self._settings
        weights = {
            "denoising": 1.0,
            "reconstruction": settings.reconstruction_weight / max(settings.pixel_share, 1e-9),
            "sync": settings.sync_weight / max(settings.pixel_share, 1e-9),
            "trepa": settings.trepa_weight / max(settings.pixel_share, 1e-9),
        }
        return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()

    def _timesteps(self, count: int, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(count, generator=generator, device=generator.device)
        return (TRAINING_STEPS * (1 - uniform**self._settings.noisy_bias)).long().clamp(0, TRAINING_STEPS - 1)

    @torch.no_grad()
    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """Rows of source, made and true faces; made by ten steps of DDIM at guidance 2."""
        assert isinstance(network, UNet3D)
        device = next(network.parameters()).device
        shown = self._shown
        made = sampled(network, shown.conditioning.to(device), shown.audio.to(device), steps=10, guidance=2.0)
        vae = self._supervision.vae
        seen = decoded(vae, shown.conditioning[:, 5:9].to(device))
        rows = []
        for source, dubbed, truth in zip(seen, decoded(vae, made), shown.faces, strict=True):
            rows += [list(as_rgb(clip.transpose(0, 1))[::2]) for clip in (source, dubbed, truth)]
        return grid(rows)


def decoded(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Scaled latents B×4×F×h×w → faces B×3×F×R×R in about [−1, 1]."""
    batch = latents.shape[0]
    frames = latents.transpose(1, 2).flatten(0, 1) / float(SCALING_FACTOR)
    return VaeDecoder(vae)(frames).float().unflatten(0, (batch, -1)).transpose(1, 2)  # type: ignore[no-any-return]


def train_only(network: nn.Module, name_parts: Iterable[str]) -> None:
    """Freezes every parameter whose name contains none of `name_parts`."""
    parts = tuple(name_parts)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(any(part in name for part in parts))


@torch.no_grad()
def sampled(network: UNet3D, conditioning: Tensor, audio: Tensor, steps: int, guidance: float) -> Tensor:
    """Latents B×4×F×h×w as the denoise service makes them: DDIM from frame-shared noise."""
    kept = torch.tensor(alphas_cumprod())
    batch, _, frames, height, width = conditioning.shape
    noise = np.random.default_rng(0).standard_normal((batch, 4, 1, height, width), np.float32)
    latents, sampler = np.repeat(noise, frames, axis=2), Ddim().start(steps)
    for timestep in Ddim().timesteps(steps).tolist():
        timesteps = torch.full((batch,), timestep, device=conditioning.device)
        noisy = torch.from_numpy(latents).to(conditioning.device)
        sample = torch.cat((noisy, conditioning), dim=1)
        silent, heard = (network(sample, timesteps, tokens) for tokens in (torch.zeros_like(audio), audio))
        prediction = silent + guidance * (heard - silent)
        epsilon = predicted_noise(noisy, prediction, timesteps, kept, network.config.prediction_type)
        latents = sampler.step(epsilon.cpu().numpy(), latents)
    return torch.from_numpy(latents).to(conditioning.device)


def _with_dropout(audio: Tensor, share: float, generator: torch.Generator) -> Tensor:
    kept = torch.rand(len(audio), generator=generator, device=audio.device) >= share
    return audio * kept[:, None, None, None]


def _latent_weights(resolution: int, settings: UNetSettings) -> Tensor:
    """1×1×1×h×w."""
    generated = torch.from_numpy(1 - latent_mask(resolution))
    mouth = torch.from_numpy(mouth_weights(resolution // 8, settings.mouth_weight))[0]
    return torch.where(generated > 0.5, mouth, settings.outside_weight)[None, None, None]
