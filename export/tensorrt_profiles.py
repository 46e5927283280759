"""Which input shapes each TensorRT engine is built for."""

from collections.abc import Callable
from dataclasses import dataclass

from export.variants import Variant

Shape = tuple[int, ...]

WINDOW_FRAMES = 16
MAX_BATCH = 4
MAX_IMAGES = 2 * WINDOW_FRAMES
"""Masked and reference faces of one window go through the encoder together."""
MAX_MEL_FRAMES = 3000


@dataclass(frozen=True)
class ShapeRange:
    """Smallest, most common and largest shape of one input."""

    min: Shape
    opt: Shape
    max: Shape


def shape_profile(model: str, variant: Variant) -> dict[str, ShapeRange]:
    """Input name → the shapes the engine of `model` accepts at `variant`'s face resolution."""
    side, latent_side = variant.resolution, variant.resolution // 8
    match model:
        case "whisper_encoder":
            mels = variant.whisper.n_mels
            return {"mel": ShapeRange((1, mels, 2), (1, mels, MAX_MEL_FRAMES), (MAX_BATCH, mels, MAX_MEL_FRAMES))}
        case "vae_encoder":
            return {"images": _batched((3, side, side), 1, MAX_IMAGES, MAX_IMAGES)}
        case "vae_decoder":
            return {"latents": _batched((4, latent_side, latent_side), 1, WINDOW_FRAMES, MAX_IMAGES)}
        case "unet":
            return _step_inputs(variant)
        case "unet_cached":
            return _step_inputs(variant) | {"deep_features": _deep_features(variant)}
    raise ValueError(f"There is no network called {model}.")


def _step_inputs(variant: Variant) -> dict[str, ShapeRange]:
    side = variant.resolution // 8
    tokens = (variant.audio_tokens, variant.unet.cross_attention_dim)
    return {
        "latents": _windows(lambda batch, frames: (batch, 4, frames, side, side)),
        "conditioning": _windows(lambda batch, frames: (batch, 9, frames, side, side)),
        "audio": _windows(lambda batch, frames: (batch, frames, *tokens)),
        "timestep": _batched((), 1, 1, MAX_BATCH),
        "guidance_scale": _batched((), 1, 1, MAX_BATCH),
    }


def _deep_features(variant: Variant) -> ShapeRange:
    """One branch without guidance, two with it."""
    side, channels = variant.resolution // 8, variant.unet.block_out_channels[0]
    return ShapeRange(
        (1, 1, channels, 1, side, side),
        (1, 2, channels, WINDOW_FRAMES, side, side),
        (MAX_BATCH, 2, channels, WINDOW_FRAMES, side, side),
    )


def _batched(rest: Shape, smallest: int, usual: int, largest: int) -> ShapeRange:
    return ShapeRange((smallest, *rest), (usual, *rest), (largest, *rest))


def _windows(shape: Callable[[int, int], Shape]) -> ShapeRange:
    """`shape` of (batch, frames): from one frame up to MAX_BATCH full windows; one full window is usual."""
    return ShapeRange(shape(1, 1), shape(1, WINDOW_FRAMES), shape(MAX_BATCH, WINDOW_FRAMES))
