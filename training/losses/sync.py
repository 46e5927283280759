"""Does the mouth speak the sound? The losses that train StableSyncNet and, with its weights frozen, the generator."""

import torch
from torch import Tensor
from torch.nn import functional

from training.stable_syncnet import StableSyncNet

TEMPERATURE = 0.07


def sync_loss(syncnet: StableSyncNet, faces_bcfhw: Tensor, mel_windows: Tensor) -> Tensor:
    """−log of the cosine between each clip's mouths and its own sound, averaged: a scalar (arXiv:2412.09262).

    `faces_bcfhw` B×3×F×R×R in [−1, 1] with the network's F and any R; `mel_windows` B×1×80×52. Gradients also reach the
    syncnet's weights unless they are frozen.
    """
    visual, audio = syncnet(lower_half(faces_bcfhw, syncnet.config.resolution), mel_windows)
    cosine = torch.linalg.vecdot(visual, audio)
    return cosine_bce(cosine, torch.ones_like(cosine))


def lower_half(faces_bcfhw: Tensor, resolution: int) -> Tensor:
    """Faces B×3×F×R×R → their lower halves, B×3F×resolution/2×resolution, frame-major and channel-minor."""
    mouths = faces_bcfhw[:, :, :, faces_bcfhw.shape[3] // 2 :].transpose(1, 2).flatten(1, 2)
    size = (resolution // 2, resolution)
    if mouths.shape[2:] == size:
        return mouths
    return functional.interpolate(mouths, size=size, mode="bilinear", align_corners=False, antialias=True)


def cosine_bce(cosine: Tensor, in_sync: Tensor) -> Tensor:
    """Mean binary cross-entropy of cosines ≥ 0 of unit embeddings, with labels of the same shape: 1 in sync, 0 not."""
    # Autocast refuses this loss in half precision, and rounding can put a cosine just outside [0, 1].
    with torch.autocast(cosine.device.type, enabled=False):
        return functional.binary_cross_entropy(cosine.float().clamp(0, 1), in_sync.float())


def all_cosines(visual: Tensor, audio: Tensor) -> Tensor:
    """Of unit embeddings, B×D and A×D → B×A, float32 under autocast too."""
    with torch.autocast(visual.device.type, enabled=False):
        return visual.float() @ audio.float().T


def all_pairs_bce(cosine: Tensor, apart: Tensor) -> Tensor:
    """`cosine_bce` of every window of faces with its own sound and with all that are `apart`; both count alike.

    `cosine` B×A, A ≥ B: sound b belongs to faces b; `apart` bool B×A.
    """
    own, others = cosine.diagonal(), cosine[apart]
    return (cosine_bce(own, torch.ones_like(own)) + cosine_bce(others, torch.zeros_like(others))) / 2


def contrast(cosine: Tensor, apart: Tensor) -> Tensor:
    """Which of all the sounds do the faces speak, and which of the faces speak the sound? (arXiv:1807.03748, eq. 4)

    Arguments as in `all_pairs_bce`. Sounds that are neither the faces' own nor apart from them take no part.
    """
    own = torch.arange(len(cosine), device=cosine.device)
    takes_part = apart.clone()
    takes_part[own, own] = True
    logits = (cosine / TEMPERATURE).masked_fill(~takes_part, float("-inf"))
    by_faces = functional.cross_entropy(logits, own)
    by_sound = functional.cross_entropy(logits[:, : len(cosine)].T, own)
    return (by_faces + by_sound) / 2
