"""The reference's blend mask: the crop's whole rectangle, shrunk and blurred in the frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.media.picture import Roi
from services.composite.warp import coverage, covered_roi, positions

_BEYOND_PX = 1
"""Empty pixels kept around the rectangle: erosion and blur then see there what they would see in the whole frame."""
_EDGE_DIVISOR = 20


@dataclass(frozen=True, eq=False)
class SoftMask:
    """The mask's steps inside `roi`, each h×w float32 in 0…1; outside `roi` all of them are 0."""

    roi: Roi
    eroded: NDArray[np.float32]
    """The rectangle's coverage after erosion by one pixel: what the pasted face is multiplied with."""
    center: NDArray[np.float32]
    soft: NDArray[np.float32]
    """`center` blurred: the weight of the pasted face against the frame."""
    area_px: float
    edge_px: int


def soft_mask(matrix: NDArray[np.floating], crop_size_wh: tuple[int, int], frame_size_wh: tuple[int, int]) -> SoftMask:
    """The mask of a crop placed by `matrix` (2×3, frame px → crop px), as if computed over the whole frame.

    The width of the soft edge follows from the mask's area (latentsync.md §6, steps 3–4). Raises ValueError if the
    matrix is singular.
    """
    width, height = crop_size_wh
    roi = _with_margin(covered_roi(matrix, (-1, -1, width, height), frame_size_wh), frame_size_wh)
    if not (roi.w and roi.h):
        nothing = np.zeros((roi.h, roi.w), dtype=np.float32)
        return SoftMask(roi, nothing, nothing, nothing, area_px=0.0, edge_px=0)
    covered = coverage(*positions(matrix, roi), crop_size_wh)
    eroded = _eroded(covered, 2)
    area_px = float(eroded.sum(dtype=np.float64))
    edge_px = int(np.sqrt(area_px)) // _EDGE_DIVISOR
    # An empty kernel means 3×3 to OpenCV, and so to the reference.
    center = _eroded(eroded, 2 * edge_px or 3)
    return SoftMask(roi, eroded, center, _blurred(center, edge_px), area_px, edge_px)


def _with_margin(roi: Roi, frame_size_wh: tuple[int, int]) -> Roi:
    return roi.grown(_BEYOND_PX).clipped(*frame_size_wh) if roi.w and roi.h else roi


def _eroded(mask: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
    """Minimum over a square; of an even side, one pixel more lies to the left and above. The border is ignored."""
    return np.asarray(cv2.erode(mask, np.ones((side_px, side_px), dtype=np.uint8)), dtype=np.float32)


def _blurred(mask: NDArray[np.float32], radius_px: int) -> NDArray[np.float32]:
    side_px = 2 * radius_px + 1
    sigma = 0.3 * (radius_px - 1) + 0.8
    return np.asarray(cv2.GaussianBlur(mask, (side_px, side_px), sigma), dtype=np.float32)
