"""From a generated face to what is blended into the frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.face_geometry import crop_size_wh, square_matrix
from services.common.media.picture import Picture, Roi, Rounding
from services.composite.mouth_mask import mouth_mask
from services.composite.resize import resize_bicubic_antialias
from services.composite.soft_mask import soft_mask
from services.composite.warp import covered_roi, positions, sample_bilinear

_OUTSIDE = 127.0
"""What the reference shows beyond the face's edge: on its scale of −1…1, white after clamping."""
_CONTEXT_PX = 3
"""Pixels around the mouth mask that the studio's interpolation reads."""
_FAINTEST_VARIANCE = 0.05
"""Blur variance, px², below which a Gaussian changes nothing visible."""


@dataclass(frozen=True, eq=False)
class Patch:
    """A face brought into the frame: `face_rgb` h×w×3 float32 in 0…255 and its weight `alpha` h×w float32 in 0…1
    over the frame's rectangle `roi`, which is empty if nothing of the face lies in the frame."""

    roi: Roi
    face_rgb: NDArray[np.float32]
    alpha: NDArray[np.float32]

    def onto(self, picture: Picture, rounding: Rounding) -> Picture:
        """The picture with the patch blended in; the picture itself if the patch is empty."""
        if not (self.roi.w and self.roi.h):
            return picture
        return picture.blended(self.roi, self.face_rgb, self.alpha, rounding)


def reference_patch(
    face_chw: NDArray[np.float32], matrix: NDArray[np.floating], resolution: int, frame_size_wh: tuple[int, int]
) -> Patch:
    """The reference's compositing (latentsync.md §6) of a 3×R×R face in [−1, 1]: the whole 3:4 crop with a soft edge.

    Blend it with truncation. `matrix` is 2×3, frame px → crop px. Raises ValueError if it is singular.
    """
    size_wh = crop_size_wh(resolution)
    mask = soft_mask(matrix, size_wh, frame_size_wh)
    face_hwc = resize_bicubic_antialias(face_chw.transpose(1, 2, 0), size_wh)
    warped = sample_bilinear(face_hwc, *positions(matrix, mask.roi), outside=_OUTSIDE)
    shown = np.asarray(np.clip(warped / 2 + np.float32(0.5), 0, 1), dtype=np.float32)
    return Patch(mask.roi, mask.eroded[..., None] * (shown * np.float32(255)), mask.soft)


def studio_patch(
    face_rgb_hwc: NDArray[np.uint8], matrix: NDArray[np.floating], resolution: int, frame_size_wh: tuple[int, int]
) -> Patch:
    """The generated part of an R×R×3 face only, sampled once from the face: cubic where it grows, low-pass filtered
    first where it shrinks. The networks' kept region gets no weight, so there the source stays as it is.

    `matrix` is 2×3, frame px → crop px. Raises ValueError if it is singular.
    """
    mask = mouth_mask(resolution)
    square = square_matrix(matrix, resolution)
    left, top, right, bottom = mask.box_ltrb
    roi = covered_roi(square, (left - 1, top - 1, right + 1, bottom + 1), frame_size_wh)
    if not (roi.w and roi.h):
        return Patch(roi, np.zeros((roi.h, roi.w, 3), np.float32), np.zeros((roi.h, roi.w), np.float32))
    square[:, 2] += square[:, :2] @ (roi.x, roi.y)
    square[:, 2] -= (left - _CONTEXT_PX, top - _CONTEXT_PX)
    needed = slice(top - _CONTEXT_PX, bottom + _CONTEXT_PX + 1), slice(left - _CONTEXT_PX, right + _CONTEXT_PX + 1)
    sharp = _without_detail_lost(face_rgb_hwc[needed], square)
    # One float32 channel at a time is twice as fast as OpenCV's cubic warp of three interleaved ones.
    channels = [_warped(channel.astype(np.float32), square, roi, cv2.INTER_CUBIC) for channel in cv2.split(sharp)]
    face_rgb = np.asarray(cv2.merge(channels), dtype=np.float32)
    alpha = _warped(mask.alpha[needed], square, roi, cv2.INTER_LINEAR)
    return Patch(roi, np.clip(face_rgb, 0, 255, out=face_rgb), alpha)


def _without_detail_lost(face_rgb_hwc: NDArray[np.uint8], square: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The face blurred as much as sampling it at frame pixels needs: variance (step² − 1)/4 for steps of `step` px.

    The alignment is a similarity, so the steps along the face's two axes do not depend on its rotation.
    """
    variance_xy = np.maximum((square[:, :2] ** 2).sum(axis=1) - 1, 0) / 4
    if variance_xy.max() < _FAINTEST_VARIANCE:
        return face_rgb_hwc
    sigma_x, sigma_y = np.sqrt(np.maximum(variance_xy, _FAINTEST_VARIANCE))
    return np.asarray(cv2.GaussianBlur(face_rgb_hwc, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), dtype=np.uint8)


def _warped(
    image_hw: NDArray[np.float32], square: NDArray[np.float64], roi: Roi, interpolation: int
) -> NDArray[np.float32]:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image_hw, square, (roi.w, roi.h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.float32)
