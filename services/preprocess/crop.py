"""Cuts an aligned face out of a frame and brings it to the square the networks take."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.face_geometry import crop_size_wh

_OUTSIDE = 127.0
"""Grey level of whatever lies outside the frame; the networks were trained with it."""


def crop_reference(rgb_hwc: NDArray[np.uint8], matrix: NDArray[np.floating], resolution: int) -> NDArray[np.uint8]:
    """R×R×3 uint8 as the reference makes it: bilinear warp to the 3:4 crop, truncated to uint8, then Lanczos resize.

    `matrix` is 2×3, frame px → crop px. Raises ValueError if it is singular.
    """
    crop = warp_reference(rgb_hwc, matrix, crop_size_wh(resolution))
    return np.asarray(cv2.resize(crop, (resolution, resolution), interpolation=cv2.INTER_LANCZOS4), dtype=np.uint8)


def warp_reference(
    rgb_hwc: NDArray[np.uint8], matrix: NDArray[np.floating], size_wh: tuple[int, int]
) -> NDArray[np.uint8]:
    """h×w×3 uint8: the frame sampled bilinearly at the exact inverse position of every pixel; outside the frame the
    value blends to 127 in proportion to the missing coverage; truncated, not rounded.

    OpenCV's own warp is not used because it may quantise positions to 1/32 px.
    """
    height, width = rgb_hwc.shape[:2]
    inverse = _inverted(matrix)
    columns, rows = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    x = inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]
    y = inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]
    x, y = np.clip(x, -1, width), np.clip(y, -1, height)

    left, top = int(np.floor(x.min())), int(np.floor(y.min()))
    right, bottom = int(np.floor(x.max())) + 1, int(np.floor(y.max())) + 1
    patch = np.full((bottom - top + 1, right - left + 1, 3), _OUTSIDE, dtype=np.float32)
    inside = rgb_hwc[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    if inside.size:
        y_first, x_first = max(-top, 0), max(-left, 0)
        patch[y_first : y_first + inside.shape[0], x_first : x_first + inside.shape[1]] = inside

    x0, y0 = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    x_part = (x - x0).astype(np.float32)[..., None]
    y_part = (y - y0).astype(np.float32)[..., None]
    stride = patch.shape[1]
    flat = patch.reshape(-1, 3)
    index = (y0 - top) * stride + (x0 - left)
    upper = flat[index] * (1 - x_part) + flat[index + 1] * x_part
    lower = flat[index + stride] * (1 - x_part) + flat[index + stride + 1] * x_part
    sampled: NDArray[np.float32] = upper * (1 - y_part) + lower * y_part
    return sampled.astype(np.uint8)


def crop_studio(rgb_hwc: NDArray[np.uint8], matrix: NDArray[np.floating], resolution: int) -> NDArray[np.uint8]:
    """R×R×3 uint8 sampled once from the frame; low-pass filtered first where the face shrinks.

    `matrix` is 2×3, frame px → crop px. Outside the frame is grey 127. Raises ValueError if it is singular.
    """
    source = _inverted(square_matrix(matrix, resolution))
    corners = np.array([[-1, -1], [resolution, -1], [-1, resolution], [resolution, resolution]], dtype=np.float64)
    reach = corners @ source[:, :2].T + source[:, 2]
    steps_px = np.linalg.norm(source[:, :2], axis=0)
    sigma = _prefilter_sigma(float(steps_px[0])), _prefilter_sigma(float(steps_px[1]))
    margin = int(np.ceil(4 * max(sigma))) + 2
    left, top = np.maximum(np.floor(reach.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.ceil(reach.max(axis=0)).astype(int) + margin + 1
    patch = rgb_hwc[top:bottom, left:right]
    if not patch.size:
        return np.full((resolution, resolution, 3), int(_OUTSIDE), dtype=np.uint8)

    source[:, 2] -= (left, top)
    if max(sigma) > 0:
        patch = np.asarray(cv2.GaussianBlur(patch, (0, 0), sigmaX=max(sigma)), dtype=np.uint8)
    warped = cv2.warpAffine(
        patch,
        source,
        (resolution, resolution),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(_OUTSIDE,) * 3,
    )
    return np.asarray(warped, dtype=np.uint8)
