"""Trains the image autoencoder on drawn faces, mostly on crops around the mouth: that is what people look at."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from export.vae import LOGVAR_RANGE, VaeDecoder, VaeEncoder
from services.common.face_mask import face_mask
from services.denoise.conditioning import masked_pixel_values, pixel_values
from services.denoise.latents import SCALING_FACTOR
from training.face_clips import FaceClips
from training.losses.reconstruction import reconstruction
from training.settings import LoopSettings, Positive
from training.sheets import as_rgb, grid

_MOUTH_ROWS, _MOUTH_COLUMNS = slice(0.53, 0.92), slice(0.25, 0.75)
"""Where mouth and chin lie in an aligned face, as shares of its side."""


class VaeSettings(LoopSettings):
    crop_px: Positive = 64
    """Side of the crops trained on. The network is convolutional: a quarter of the face costs a quarter of the time."""
    full_share: float = Field(0.35, ge=0, le=1)
    """Batches of whole faces, fewer at a time: normalisation over a whole face differs from that over a crop."""
    masked_share: float = Field(0.12, ge=0, le=1)
    """Faces given with the generated part greyed out, as the network also meets them."""
    mouth_weight: float = Field(2.5, gt=0)
    gradient_weight: float = Field(0.6, ge=0)
    kl_weight: float = Field(1e-3, ge=0)


@dataclass(frozen=True)
class VaeBatch:
    images: Tensor
    """B×3×C×C in [−1, 1]."""
    weights: Tensor
    """B×1×C×C: how much each pixel matters."""


class VaeTask:
    """Reconstruction with a weak pull of the latents towards a unit Gaussian (Rombach et al., arXiv:2112.10752)."""

    def __init__(self, settings: VaeSettings, trained: FaceClips, validated: FaceClips) -> None:
        self._settings = settings
        self._clips = trained
        side = trained.settings.resolution
        self._mask = face_mask(side)
        self._weights = mouth_weights(side, settings.mouth_weight)
        self._shown = pixel_values(np.ascontiguousarray(validated.faces[:8, 0, 0]))

    def batch(self, rng: np.random.Generator) -> VaeBatch:
        side, crop = self._clips.settings.resolution, self._settings.crop_px
        crops_in_face = max(1, (side // crop) ** 2)
        is_full = rng.random() < self._settings.full_share
        count = self._settings.batch_size // crops_in_face if is_full else self._settings.batch_size
        crops = [self._crop(rng, side if is_full else crop) for _ in range(max(1, count))]
        images, weights = (torch.from_numpy(np.stack(parts)) for parts in zip(*crops, strict=True))
        return VaeBatch(images, weights)

    def _crop(self, rng: np.random.Generator, crop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        people, takes, frames = self._clips.faces.shape[:3]
        face = self._clips.faces[rng.integers(people), rng.integers(takes), rng.integers(frames)]
        if rng.random() < 0.5:
            face = face[:, ::-1]
        if rng.random() < 0.3:
            face = face[..., rng.permutation(3)]
        pixels = pixel_values(np.ascontiguousarray(face)[None])
        if rng.random() < self._settings.masked_share:
            pixels = masked_pixel_values(pixels, self._mask)
        top, left = _corner(rng, self._clips.settings.resolution, crop)
        window = slice(top, top + crop), slice(left, left + crop)
        return pixels[0][:, *window], self._weights[:, *window]

    def losses(self, network: nn.Module, batch: VaeBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        assert isinstance(network, AutoencoderKL)
        device = next(network.parameters()).device
        images, weights = batch.images.to(device), batch.weights.to(device)
        mean, logvar = VaeEncoder(network)(images).float().chunk(2, dim=1)
        logvar = logvar.clamp(*LOGVAR_RANGE)
        noise = torch.randn(mean.shape, generator=generator, device=device)
        decoded = VaeDecoder(network)(mean + noise * (0.5 * logvar).exp()).float()
        pixels = reconstruction(decoded, images, weights, l2=0.5)
        edges = _edge_loss(decoded, images)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        total = pixels + self._settings.gradient_weight * edges + self._settings.kl_weight * kl
        return {"total": total, "pixels": pixels, "edges": edges, "kl": kl}

    @torch.no_grad()
    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        assert isinstance(network, AutoencoderKL)
        shown = torch.from_numpy(self._shown).to(next(network.parameters()).device)
        decoded = VaeDecoder(network)(VaeEncoder(network)(shown).chunk(2, dim=1)[0])
        return grid([list(as_rgb(shown)), list(as_rgb(decoded))])


@torch.no_grad()
def fold_latent_statistics(network: AutoencoderKL, faces: Tensor) -> None:
    """Makes the latents of `faces` (N×3×R×R) have mean 0 and, times the scaling factor, variance 1 in every channel.

    The scale goes into the convolutions at the latents' side, so the autoencoder still computes the same images. The
    posterior loses its spread: it has served its purpose, and in a channel that carries little it would drown the rest.
    """
    mean = VaeEncoder(network)(faces).chunk(2, dim=1)[0]
    centre, spread = mean.mean(dim=(0, 2, 3)), mean.std(dim=(0, 2, 3)) * float(SCALING_FACTOR)
    encode, decode = network.quant_conv, network.post_quant_conv
    assert encode is not None
    assert encode.bias is not None
    assert decode is not None
    assert decode.bias is not None
    channels = len(centre)
    decode.bias += decode.weight[:, :, 0, 0] @ centre
    decode.weight *= spread[None, :, None, None]
    encode.bias[:channels] = (encode.bias[:channels] - centre) / spread
    encode.weight[:channels] /= spread[:, None, None, None]
    encode.weight[channels:] = 0
    encode.bias[channels:] = LOGVAR_RANGE[0]


def mouth_weights(side: int, weight: float) -> NDArray[np.float32]:
    """A map 1×side×side: `weight` over mouth and chin, 1 elsewhere."""
    weights = np.ones((1, side, side), np.float32)
    rows, columns = (slice(round(s.start * side), round(s.stop * side)) for s in (_MOUTH_ROWS, _MOUTH_COLUMNS))
    weights[:, rows, columns] = weight
    return weights


def _corner(rng: np.random.Generator, side: int, crop: int) -> tuple[int, int]:
    """Where a crop starts: two thirds lie over the mouth, the others anywhere; on whole latent pixels."""
    span = (side - crop) // 8 + 1
    if rng.random() < 2 / 3 and span > 1:
        return 8 * int(rng.integers(span // 2, span)), 8 * int(rng.integers(span // 4, span - span // 4))
    return 8 * int(rng.integers(span)), 8 * int(rng.integers(span))


def _edge_loss(fake: Tensor, real: Tensor) -> Tensor:
    difference = fake - real
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
