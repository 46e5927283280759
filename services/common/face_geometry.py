"""Where a face sits in its crop: the crop's size and the template its three points are brought to.

Preprocessing cuts the face out with these numbers and compositing puts it back with the same ones.
"""

import numpy as np
from numpy.typing import NDArray

from services.common.media.picture import Roi

_TEMPLATE_WH = (75, 100)
_TEMPLATE_TRIPLE = ((17.0, 20.0), (58.0, 20.0), (37.5, 40.0))


def _template_scale(resolution: int) -> float:
    return 2.8 * resolution / 256


def crop_size_wh(resolution: int) -> tuple[int, int]:
    """Width and height of the 3:4 crop, px, of a face of `resolution` px: 210×280 at 256, 420×560 at 512."""
    scale = _template_scale(resolution)
    width, height = _TEMPLATE_WH
    return int(width * scale), int(height * scale)


def template_triple(resolution: int) -> NDArray[np.float64]:
    """3×2 crop px (x, y): image-left brow, image-right brow, nose."""
    return np.array(_TEMPLATE_TRIPLE) * _template_scale(resolution)


def square_matrix(matrix: NDArray[np.floating], resolution: int) -> NDArray[np.float64]:
    """2×3, frame px → px of the R×R face, from `matrix` (2×3, frame px → px of the 3:4 crop).

    The crop is stretched as an image resize does it: its area onto the face's area, not corner centre to corner centre.
    """
    stretch = resolution / np.array(crop_size_wh(resolution), dtype=np.float64)
    square = np.asarray(matrix, dtype=np.float64) * stretch[:, None]
    square[:, 2] += stretch / 2 - 0.5
    return square


def crop_quad(matrix: NDArray[np.floating], resolution: int) -> NDArray[np.float64]:
    """4×2 frame px: the outer corners of the crop that `matrix` (2×3, frame px → crop px) cuts out, in turn from the
    upper left. Raises ValueError if the matrix is singular."""
    width, height = crop_size_wh(resolution)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64) - 0.5
    linear = np.asarray(matrix, dtype=np.float64)[:, :2]
    if abs(np.linalg.det(linear)) < 1e-9:
        raise ValueError("The alignment matrix is singular.")
    quad: NDArray[np.float64] = (corners - matrix[:, 2]) @ np.linalg.inv(linear).T
    return quad


def crop_region(matrix: NDArray[np.floating], resolution: int, width: int, height: int) -> Roi:
    """The part of a width×height frame that can influence the crop: its quad and what resampling reads around it.

    May be empty (w or h = 0). Raises ValueError if the matrix is singular.
    """
    quad = crop_quad(matrix, resolution)
    longest_px = float(np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1).max())
    # A face that shrinks s-fold is blurred with sigma below s/2 px, cut off at 3 sigma, and sampled s/2 px further out.
    margin_px = int(np.ceil(2 * longest_px / resolution)) + 4
    left, top = np.floor(quad.min(axis=0)).astype(int) - margin_px
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + margin_px
    return Roi(int(left), int(top), int(right - left), int(bottom - top)).clipped(width, height)
