"""Does the mouth speak the sound? The loss that trains StableSyncNet and, with its weights frozen, the generator."""

import torch
from torch import Tensor
from torch.nn import functional

from training.stable_syncnet import StableSyncNet


def sync_loss(syncnet: StableSyncNet, faces_bcfhw: Tensor, mel_windows: Tensor) -> Tensor:
    """−log of the cosine between each clip's mouths and its own sound, averaged: a scalar (arXiv:2412.09262).

    `faces_bcfhw` B×3×F×R×R in [−1, 1] with the network's F and any R; `mel_windows` B×1×80×52. Gradients also reach the
    syncnet's weights unless they are frozen.
    """
    visual, audio = syncnet(lower_half(faces_bcfhw, syncnet.config.resolution), mel_windows)
    return cosine_bce(visual, audio, torch.ones(len(visual), device=visual.device))


def lower_half(faces_bcfhw: Tensor, resolution: int) -> Tensor:
    """Faces B×3×F×R×R → their lower halves, B×3F×resolution/2×resolution, frame-major and channel-minor."""
    mouths = faces_bcfhw[:, :, :, faces_bcfhw.shape[3] // 2 :].transpose(1, 2).flatten(1, 2)
    size = (resolution // 2, resolution)
    if mouths.shape[2:] == size:
        return mouths
    return functional.interpolate(mouths, size=size, mode="bilinear", align_corners=False, antialias=True)


def cosine_bce(visual: Tensor, audio: Tensor, in_sync: Tensor) -> Tensor:
    """Binary cross-entropy of the cosine of unit embeddings B×D, ≥ 0, with labels B: 1 in sync, 0 not."""
    # Autocast refuses this loss in half precision, and rounding can put a cosine just outside [0, 1].
    cosine = (visual.float() * audio.float()).sum(dim=1).clamp(0, 1)
    with torch.autocast(visual.device.type, enabled=False):
        return functional.binary_cross_entropy(cosine, in_sync.float())
