"""What a person looks like: colours of the head and of the clothes below it."""

import cv2
import numpy as np
from numpy.typing import NDArray

_BINS = (4, 12, 12)
_RANGES = (0.0, 256.0, 64.0, 192.0, 64.0, 192.0)
_SAMPLES = 32
# Regions relative to the face box, in its widths and heights: x0, y0, x1, y1.
_HEAD = (-0.25, -0.4, 1.25, 1.0)
_CLOTHES = (-0.4, 1.3, 1.4, 2.3)


def signature(rgb_hwc: NDArray[np.uint8], box_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """2×bins: unit vectors (square roots of YCrCb histograms) for head and clothes; zeros where outside the frame."""
    return np.stack([_histogram(rgb_hwc, box_xyxy, region) for region in (_HEAD, _CLOTHES)])


def unlikeness(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """0 (same colours) … 1 (none in common) of two signatures, over the regions that both have."""
    both = (a.any(axis=1)) & (b.any(axis=1))
    if not both.any():
        return 0.5
    return float(1 - np.sum(a[both] * b[both], axis=1).mean())


def _histogram(
    rgb_hwc: NDArray[np.uint8], box_xyxy: NDArray[np.float64], region: tuple[float, float, float, float]
) -> NDArray[np.float64]:
    height, width = rgb_hwc.shape[:2]
    size = box_xyxy[2:] - box_xyxy[:2]
    left, top = np.clip(box_xyxy[:2] + size * region[:2], 0, (width, height)).astype(int)
    right, bottom = np.clip(box_xyxy[:2] + size * region[2:], 0, (width, height)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return np.zeros(int(np.prod(_BINS)))
    patch = cv2.resize(rgb_hwc[top:bottom, left:right], (_SAMPLES, _SAMPLES), interpolation=cv2.INTER_NEAREST)
    ycrcb = cv2.cvtColor(patch, cv2.COLOR_RGB2YCrCb)
    np.clip(ycrcb[..., 1:], 64, 191, out=ycrcb[..., 1:])
    counts = np.asarray(cv2.calcHist([ycrcb], [0, 1, 2], None, _BINS, _RANGES), dtype=np.float64).reshape(-1)
    roots: NDArray[np.float64] = np.sqrt(counts / counts.sum())
    return roots
