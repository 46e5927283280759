"""TREPA: clips should look alike to a network that watches how they move (Li et al. 2024, arXiv:2412.09262)."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

ENCODER_SIZE = 224
"""Side of the frames a video encoder takes, px."""


class VideoEncoder(Protocol):
    """Any frozen network that summarises a clip, such as VideoMAE v2's ViT-giant/14 (arXiv:2303.16727).

    Its weights are not shipped: wrap the network so that it is called like this, pooled and without its classifier.
    """

    def __call__(self, clips: Tensor) -> Tensor:
        """Clips B×3×16×224×224 in [0, 1], without any further normalisation → features B×D."""
        ...


def trepa(encoder: VideoEncoder, fake: Tensor, real: Tensor) -> Tensor:
    """MSE between the unit features of clips B×3×16×R×R in [−1, 1], a scalar; no gradient reaches `real`."""
    with torch.no_grad():
        target = _unit_features(encoder, real)
    return functional.mse_loss(_unit_features(encoder, fake), target)


def _unit_features(encoder: VideoEncoder, clips: Tensor) -> Tensor:
    return functional.normalize(encoder(encoder_input(clips)), dim=1)


def encoder_input(clips: Tensor) -> Tensor:
    """Clips B×3×F×R×R in [−1, 1] → B×3×F×224×224 in [0, 1], by plain bicubic interpolation."""
    by_frame = clips.transpose(1, 2)
    frames = by_frame.flatten(0, 1)
    resized = functional.interpolate(frames, size=(ENCODER_SIZE, ENCODER_SIZE), mode="bicubic", align_corners=False)
    return (resized / 2 + 0.5).clamp(0, 1).reshape(*by_frame.shape[:3], *resized.shape[2:]).transpose(1, 2)
