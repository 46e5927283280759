"""Bicubic resize with antialiasing, as torch's `interpolate(mode="bicubic", antialias=True, align_corners=False)`."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_SHARPNESS = -0.5
"""The cubic kernel's free parameter; torch takes −0.5 with antialiasing (and −0.75 without)."""
_KERNEL_REACH = 2.0


def resize_bicubic_antialias(image_hwc: NDArray[np.float32], size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """height×width×C float32 from h×w×C float32; values may overshoot the input's range.

    Where the image shrinks the kernel is widened by the factor of shrinking; weights cut off at the edge of the image
    are renormalised. The same bytes on any number of threads.
    """
    width, height = size_wh
    return _resampled(_resampled(image_hwc, width, axis=1), height, axis=0)


def _resampled(image_hwc: NDArray[np.float32], length: int, axis: int) -> NDArray[np.float32]:
    indices, weights = _taps(image_hwc.shape[axis], length)
    along_axis = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    total = np.zeros([length if i == axis else side for i, side in enumerate(image_hwc.shape)], np.float32)
    for index, weight in zip(indices, weights, strict=True):
        total += np.take(image_hwc, index, axis=axis) * weight.reshape(along_axis)
    return total


@lru_cache(maxsize=16)
def _taps(length_in: int, length_out: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """taps×length_out source indices and their weights, read-only."""
    # In float32 throughout, as torch computes its weights: exact ones differ by up to 1e-4 in the result.
    step = np.float32(length_in / length_out)
    stretch = max(step, np.float32(1))
    reach = np.float32(_KERNEL_REACH) * stretch
    centres = step * (np.arange(length_out, dtype=np.float32) + np.float32(0.5))
    first = np.maximum((centres - reach + 0.5).astype(np.intp), 0)
    stop = np.minimum((centres + reach + 0.5).astype(np.intp), length_in)
    indices = first + np.arange(int((stop - first).max()))[:, None]
    weights = _cubic((indices.astype(np.float32) - centres + np.float32(0.5)) / stretch) * (indices < stop)
    indices = np.minimum(indices, length_in - 1)
    weights = (weights / weights.sum(axis=0)).astype(np.float32)
    indices.flags.writeable = weights.flags.writeable = False
    return indices, weights


def _cubic(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keys, "Cubic convolution interpolation for digital image processing" (1981), equation 15 with a free."""
    a, x = _SHARPNESS, np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, np.float32(0)))
