"""Cuts an aligned face out of a frame and brings it to the square the networks take."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.face_geometry import crop_size_wh, square_matrix

_OUTSIDE = 127.0
"""Grey level of whatever lies outside the frame; the networks were trained with it."""
_HALVING_VARIANCE = 1.5
"""Blur variance, px², above which averaging 2×2 blocks first is cheaper and hides inside the blur."""
_FAINTEST_VARIANCE = 0.05
"""Blur variance, px², below which a Gaussian changes nothing visible."""


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
    # a + (b − a)·t keeps a flat area exactly flat, which truncation needs.
    upper = flat[index] + (flat[index + 1] - flat[index]) * x_part
    lower = flat[index + stride] + (flat[index + stride + 1] - flat[index + stride]) * x_part
    sampled: NDArray[np.float32] = upper + (lower - upper) * y_part
    return sampled.astype(np.uint8)


def crop_studio(rgb_hwc: NDArray[np.uint8], matrix: NDArray[np.floating], resolution: int) -> NDArray[np.uint8]:
    """R×R×3 uint8 sampled once from the frame; low-pass filtered first where the face shrinks.

    `matrix` is 2×3, frame px → crop px. Outside the frame is grey 127. Raises ValueError if it is singular.
    """
    inverse = _inverted(square_matrix(matrix, resolution))
    steps_px = np.linalg.norm(inverse[:, :2], axis=0)
    # Sampling every `step` px wants a blur whose width grows with it: variance (step² − 1)/4, turned to frame axes.
    # It changes smoothly with the size of the face, so a face that grows shows no switch of filters.
    variance = (inverse[:, :2] / steps_px) ** 2 @ (np.maximum(steps_px**2 - 1, 0) / 4)
    margin_px = int(np.ceil(3 * np.sqrt(variance.max()))) + 1

    corners = np.array([[-1, -1], [resolution, -1], [-1, resolution], [resolution, resolution]], dtype=np.float64)
    reach = corners @ inverse[:, :2].T + inverse[:, 2]
    left, top = np.maximum(np.floor(reach.min(axis=0)).astype(int) - margin_px, 0)
    right, bottom = np.maximum(np.ceil(reach.max(axis=0)).astype(int) + margin_px + 1, 0)
    patch = rgb_hwc[top:bottom, left:right]
    inverse[:, 2] -= (left, top)
    while variance.min() > _HALVING_VARIANCE and min(patch.shape[:2]) > 1:
        patch = _halved(patch)
        inverse = inverse / 2
        inverse[:, 2] -= 0.25
        variance = (variance - 0.25) / 4
    if not patch.size:
        return np.full((resolution, resolution, 3), int(_OUTSIDE), dtype=np.uint8)
    if variance.max() > _FAINTEST_VARIANCE:
        sigma_x, sigma_y = np.sqrt(np.maximum(variance, _FAINTEST_VARIANCE))
        patch = np.asarray(cv2.GaussianBlur(patch, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), dtype=np.uint8)
    warped = cv2.warpAffine(
        patch,
        inverse,
        (resolution, resolution),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(_OUTSIDE,) * 3,
    )
    return np.asarray(warped, dtype=np.uint8)


def _inverted(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    linear = np.asarray(matrix, dtype=np.float64)[:, :2]
    if abs(np.linalg.det(linear)) < 1e-9:
        raise ValueError("The alignment matrix is singular.")
    inverse = np.linalg.inv(linear)
    return np.column_stack([inverse, -inverse @ np.asarray(matrix, dtype=np.float64)[:, 2]])


def _halved(rgb_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean of every 2×2 block; an odd last row or column is dropped."""
    height, width = rgb_hwc.shape[0] // 2, rgb_hwc.shape[1] // 2
    even = rgb_hwc[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
