"""The five exported networks: their names, inputs, outputs and which axes vary.

Given a network that computes in half precision, the exported one converts at its boundary.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.guided import CachedStep, FullStep, GuidedCachedUNet, GuidedUNet
from export.half_precision import Float32Boundary
from export.unet import UNet3D
from export.vae import VaeDecoder, VaeEncoder
from export.whisper import WhisperEncoder

Axes = Mapping[int, str]

VAE_SCALE = 8
"""Pixels per latent pixel along each side."""


@dataclass(frozen=True)
class Network:
    """A network ready for tracing. Float tensors at its boundary are float32 and batch first."""

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    """Example inputs in call order, for tracing. No varying axis has length 1: tracing would take it for a constant."""
    other_inputs: Mapping[str, Tensor]
    """Inputs of other shapes, for proving that the traced graph has not kept the example's."""
    input_axes: Mapping[str, Axes]
    output_axes: Mapping[str, Axes]
    """Outputs in order, and the axes of each that vary."""


def whisper_encoder(encoder: WhisperEncoder) -> Network:
    """mel [B,80,T] → features [B,T/2,layers+1,D]."""
    return Network(
        "whisper_encoder",
        _with_float32_boundary(encoder),
        {"mel": _noise(2, encoder.dims.n_mels, 60)},
        {"mel": _noise(1, encoder.dims.n_mels, 94)},
        {"mel": {0: "batch", 2: "mel_frames"}},
        {"features": {0: "batch", 1: "feature_frames"}},
    )


def vae_encoder(encoder: VaeEncoder) -> Network:
    """images [N,3,H,W] → moments [N,8,H/8,W/8]."""
    return Network(
        "vae_encoder",
        _with_float32_boundary(encoder),
        {"images": _noise(2, 3, 2 * VAE_SCALE, 3 * VAE_SCALE)},
        {"images": _noise(3, 3, 5 * VAE_SCALE, 4 * VAE_SCALE)},
        {"images": {0: "images", 2: "height", 3: "width"}},
        {"moments": {0: "images", 2: "latent_height", 3: "latent_width"}},
    )


def vae_decoder(decoder: VaeDecoder) -> Network:
    """latents [N,4,h,w] → images [N,3,8h,8w]."""
    return Network(
        "vae_decoder",
        _with_float32_boundary(decoder),
        {"latents": _noise(2, 4, 2, 3)},
        {"latents": _noise(3, 4, 5, 4)},
        {"latents": {0: "images", 2: "latent_height", 3: "latent_width"}},
        {"images": {0: "images", 2: "height", 3: "width"}},
    )


_WINDOW = {0: "batch", 2: "frames", 3: "latent_height", 4: "latent_width"}
_BRANCHES = {0: "batch", 1: "branches", 3: "frames", 4: "latent_height", 5: "latent_width"}
_STEP_AXES: Mapping[str, Axes] = {
    "latents": _WINDOW,
    "conditioning": _WINDOW,
    "audio": {0: "batch", 1: "frames", 2: "audio_tokens"},
    "timestep": {0: "batch"},
    "guidance_scale": {0: "batch"},
}


def unet(network: UNet3D) -> Network:
    """A guided denoising step: see GuidedUNet."""
    return Network(
        "unet",
        GuidedUNet(_with_float32_boundary(FullStep(network))),
        _step_inputs(network, _EXAMPLE),
        _step_inputs(network, _OTHER),
        _STEP_AXES,
        {"noise_pred": _WINDOW, "deep_features": _BRANCHES},
    )


def unet_cached(network: UNet3D) -> Network:
    """A guided DeepCache step: see GuidedCachedUNet."""
    return Network(
        "unet_cached",
        GuidedCachedUNet(_with_float32_boundary(CachedStep(network))),
        _cached_step_inputs(network, _EXAMPLE),
        _cached_step_inputs(network, _OTHER),
        {**_STEP_AXES, "deep_features": _BRANCHES},
        {"noise_pred": _WINDOW},
    )


@dataclass(frozen=True)
class _StepSize:
    frames: int
    height: int
    width: int
    audio_tokens: int
    guidance_scale: tuple[float, ...]


_EXAMPLE = _StepSize(3, 8, 8, 5, (1.5, 1.0))
_OTHER = _StepSize(5, 12, 20, 7, (2.0,))


def _step_inputs(network: UNet3D, size: _StepSize) -> dict[str, Tensor]:
    batch, window = len(size.guidance_scale), (size.frames, size.height, size.width)
    config = network.config
    return {
        "latents": _noise(batch, config.out_channels, *window),
        "conditioning": _noise(batch, config.in_channels - config.out_channels, *window),
        "audio": _noise(batch, size.frames, size.audio_tokens, config.cross_attention_dim),
        "timestep": torch.tensor([951, 1])[:batch],
        "guidance_scale": torch.tensor(size.guidance_scale),
    }


def _cached_step_inputs(network: UNet3D, size: _StepSize) -> dict[str, Tensor]:
    batch, channels = len(size.guidance_scale), network.config.block_out_channels[0]
    deep_features = _noise(batch, 2, channels, size.frames, size.height, size.width)
    return _step_inputs(network, size) | {"deep_features": deep_features}


def _with_float32_boundary(network: nn.Module) -> nn.Module:
    is_half = next(network.parameters()).dtype == torch.float16
    return Float32Boundary(network) if is_half else network


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))
