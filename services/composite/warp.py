"""Which frame pixels an aligned rectangle covers, where in it they lie, and what it shows there."""

import numpy as np
from numpy.typing import NDArray

from services.common.media.picture import Roi


def covered_roi(
    matrix: NDArray[np.floating], box_ltrb: tuple[float, float, float, float], frame_size_wh: tuple[int, int]
) -> Roi:
    """The frame's pixels, at least, that `matrix` (2×3, frame px → px) brings into the box; may be empty.

    Raises ValueError if the matrix is singular.
    """
    left, top, right, bottom = box_ltrb
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]], dtype=np.float64)
    exact = np.asarray(matrix, dtype=np.float64)
    reach = (corners - exact[:, 2]) @ np.linalg.inv(exact[:, :2]).T
    x, y = (int(edge) for edge in np.floor(reach.min(axis=0)))
    x_last, y_last = (int(edge) for edge in np.ceil(reach.max(axis=0)))
    return Roi(x, y, x_last - x + 1, y_last - y + 1).clipped(*frame_size_wh)


def positions(matrix: NDArray[np.floating], roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y, each h×w px, of every pixel of `roi` after `matrix` (2×3)."""
    exact = np.asarray(matrix, dtype=np.float64)
    columns = np.arange(roi.x, roi.right)
    rows = np.arange(roi.y, roi.bottom)[:, None]
    x = exact[0, 0] * columns + exact[0, 1] * rows + exact[0, 2]
    y = exact[1, 0] * columns + exact[1, 1] * rows + exact[1, 2]
    return x.astype(np.float32), y.astype(np.float32)


def coverage(x: NDArray[np.float32], y: NDArray[np.float32], size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """h×w in 0…1: the share of a bilinear sample's weights that falls inside an image of `size_wh`."""
    width, height = size_wh
    across = np.clip(np.minimum(x + 1, width - x), 0, 1)
    down = np.clip(np.minimum(y + 1, height - y), 0, 1)
    inside: NDArray[np.float32] = across * down
    return inside


def sample_bilinear(
    image_hwc: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], outside: float
) -> NDArray[np.float32]:
    """h×w×C: the image at (x, y); beyond its outermost pixel centres it fades to `outside` within one pixel.

    OpenCV's own warps are not used because they quantise positions to 1/32 px.
    """
    height, width = image_hwc.shape[:2]
    padded = np.pad(image_hwc, ((1, 2), (1, 2), (0, 0)), constant_values=outside)
    x, y = np.clip(x, -1, width) + 1, np.clip(y, -1, height) + 1
    left, top = x.astype(np.intp), y.astype(np.intp)
    x_part, y_part = (x - left)[..., None], (y - top)[..., None]
    stride = padded.shape[1]
    flat = padded.reshape(-1, padded.shape[2])
    index = top * stride + left
    upper = flat[index] + (flat[index + 1] - flat[index]) * x_part
    lower = flat[index + stride] + (flat[index + stride + 1] - flat[index + stride]) * x_part
    sampled: NDArray[np.float32] = upper + (lower - upper) * y_part
    return sampled
