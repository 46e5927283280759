"""What the network sees of the source faces, and how their kept part returns into the result."""

import numpy as np
from numpy.typing import NDArray

_WHITE = np.float32(255)
_HALF = np.float32(0.5)


def pixel_values(faces_fhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Faces uint8 [F, R, R, 3] → float32 [F, 3, R, R] in [−1, 1]."""
    values = np.ascontiguousarray(faces_fhwc.transpose(0, 3, 1, 2)).astype(np.float32)
    values /= _WHITE
    values -= _HALF
    values /= _HALF
    return values


def masked_pixel_values(faces_fchw: NDArray[np.float32], mask: NDArray[np.float64]) -> NDArray[np.float32]:
    """Faces [F, 3, R, R] in [−1, 1] with the part to generate at 0 (mid-grey); `mask` [R, R], 1 = keep."""
    masked = np.empty_like(faces_fchw)
    # In float64 as the mask is, but without all of the product in it at once.
    return np.multiply(faces_fchw, mask, out=masked, casting="same_kind")


def conditioning(
    latent_mask: NDArray[np.float32], masked_latents: NDArray[np.float32], reference_latents: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The nine channels that stay constant while a chunk is denoised: mask | masked face | whole face.

    Args:
        latent_mask: [h, w], 1 = keep.
        masked_latents: [F, 4, h, w].
        reference_latents: [F, 4, h, w].

    Returns:
        float32 [1, 9, F, h, w].
    """
    frames, _, height, width = masked_latents.shape
    mask = np.broadcast_to(latent_mask, (frames, 1, height, width))
    channels = np.concatenate([mask, masked_latents, reference_latents], axis=1)
    return np.ascontiguousarray(channels.transpose(1, 0, 2, 3)[None])


def pasted_back(
    decoded: NDArray[np.float32], faces: NDArray[np.float32], mask: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Decoded faces […, 3, R, R] with the kept pixels of the source faces; `mask` [R, R], 1 = keep."""
    keep = mask.astype(np.float32)
    combined: NDArray[np.float32] = decoded * (1 - keep)
    combined += faces * keep
    return combined
