"""How close two pictures are, how much one flickers, and whether a seam shows."""

import cv2
import numpy as np
from numpy.typing import NDArray

WHITE = 255.0
BEST_PSNR_DB = 100.0
"""Stands for equal pictures."""

_WINDOW_PX = 11
_SIGMA_PX = 1.5
_LEAST_STEEPNESS = 1e-4
"""Per px; below it a blend weight does not change."""
_STABILISERS = (0.01 * WHITE) ** 2, (0.03 * WHITE) ** 2


def psnr_db(mean_squared_error: float) -> float:
    """Peak signal-to-noise ratio of pictures in 0…255; at most 100."""
    if mean_squared_error <= WHITE**2 * 10 ** (-BEST_PSNR_DB / 10):
        return BEST_PSNR_DB
    return float(10 * np.log10(WHITE**2 / mean_squared_error))


def ssim_map(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Structural similarity around each pixel (Wang et al., 2004): Gaussian window of 11×11, σ 1.5, biased moments.

    Args:
        first, second: [h, w] in 0…255.

    Returns:
        float32 [h, w], at most 1; mirrored at the edges.
    """
    mean_1, mean_2 = _blurred(first), _blurred(second)
    product = mean_1 * mean_2
    squares = mean_1 * mean_1 + mean_2 * mean_2
    variances = _blurred(first * first + second * second) - squares
    covariance = _blurred(first * second) - product
    c1, c2 = (np.float32(value) for value in _STABILISERS)
    return np.asarray((2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2)), np.float32)


def flicker(
    before: NDArray[np.floating], now: NDArray[np.floating], after: NDArray[np.floating], area: NDArray[np.bool_]
) -> float:
    """Mean size of the second difference in time over `area`: what neither steady change nor rest explains, in levels.

    Args:
        before, now, after: [h, w], consecutive aligned faces.
        area: [h, w].
    """
    return float(np.abs(before[area] - 2 * now[area] + after[area]).mean())


def seam_contrast(image: NDArray[np.float32], alpha: NDArray[np.float32]) -> float:
    """Mean brightness step across the soft edge of a blend, levels per px: the gradient along the blend weight's own
    gradient, wherever that weight changes. NaN where it does not.

    Args:
        image: [h, w] in 0…255.
        alpha: [h, w] in 0…1.
    """
    if min(alpha.shape) < 2:
        return float("nan")
    across_y, across_x = np.gradient(alpha)
    steepness = np.hypot(across_y, across_x)
    edge = steepness > _LEAST_STEEPNESS
    if not edge.any():
        return float("nan")
    down, right = np.gradient(image)
    step = np.abs(down * across_y + right * across_x)
    return float((step[edge] / steepness[edge]).mean())


def _blurred(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (_WINDOW_PX, _WINDOW_PX), _SIGMA_PX), np.float32)
