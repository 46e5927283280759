"""Removes the slow colour difference between a generated mouth and the face around it."""

import cv2
import numpy as np
from numpy.typing import NDArray

_GRID = 32
"""Blocks per side on which the difference is measured and spread: slow differences only."""
_RING = 1 / 12
"""Width of the ring of kept pixels that is compared, as a part of the face's side."""
_SOFTENING_BLOCKS = 1.0


def match_colour(
    decoded_fchw: NDArray[np.float32], source_fchw: NDArray[np.float32], keep_mask: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The decoded faces, F×3×R×R, shifted so that around the generated region they have the source's colours.

    The decoder re-draws the kept part too; what it got wrong there, in a ring around the generated region, it got
    wrong inside as well. The ring's differences (source − decoded) are carried inwards weighted with the inverse
    square of the distance, close to the harmonic extension of seamless cloning (Pérez et al., "Poisson image
    editing", 2003). `keep_mask` is R×R, 1 = keep; R is a multiple of 32. What was generated has no say in the shift.
    """
    ring = _ring_around_generated(keep_mask)
    pixels = _block_sums(ring)
    in_ring = pixels > 0
    pull = _inverse_square_distances(in_ring)
    pull /= _summed(pull, pixels[in_ring])[:, None]

    matched = np.empty_like(decoded_fchw)
    for target, decoded, source in zip(matched, decoded_fchw, source_fchw, strict=True):
        for channel, (generated, original) in enumerate(zip(decoded, source, strict=True)):
            difference = _block_sums((original - generated) * ring)[in_ring]
            shift = _summed(pull, difference).reshape(_GRID, _GRID)
            np.add(generated, cv2.resize(shift, ring.shape, interpolation=cv2.INTER_LINEAR), out=target[channel])
    return matched


def _ring_around_generated(keep_mask: NDArray[np.float64]) -> NDArray[np.float32]:
    """R×R, 1 on fully kept pixels near the generated region."""
    keep = (keep_mask >= 1).astype(np.uint8)
    distance_px = cv2.distanceTransform(keep, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ring: NDArray[np.bool_] = (keep == 1) & (distance_px <= _RING * keep.shape[0])
    return ring.astype(np.float32)


def _block_sums(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """32×32 sums of an R×R image."""
    side = image.shape[0] // _GRID
    sums: NDArray[np.float32] = image.reshape(_GRID, side, _GRID, side).sum(axis=(1, 3), dtype=np.float32)
    return sums


def _inverse_square_distances(in_ring: NDArray[np.bool_]) -> NDArray[np.float32]:
    """From every block (rows) to every block of the ring (columns); softened so that neighbours share their noise."""
    blocks = np.indices(in_ring.shape).reshape(2, -1)
    of_ring = blocks[:, in_ring.ravel()]
    square: NDArray[np.int64] = ((blocks[:, :, None] - of_ring[:, None, :]) ** 2).sum(axis=0)
    return np.asarray(1 / (square + _SOFTENING_BLOCKS**2), dtype=np.float32)


def _summed(weights: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Matrix times vector; not by BLAS, whose order of adding depends on the number of threads."""
    return np.asarray(np.einsum("ij,j->i", weights, values), dtype=np.float32)
