"""The reference's blend mask, computed only where it is not 0."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.media.picture import Roi
from services.composite.soft_mask import SoftMask, soft_mask

FRAME_WH = (320, 240)
CROP_WH = (105, 140)


def similarity(scale: float, angle_deg: float, x: float, y: float) -> NDArray[np.float64]:
    """Frame px → crop px such that the crop's centre lies at (x, y) in the frame."""
    angle = np.deg2rad(angle_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, np.array(CROP_WH) / 2 - linear @ (x, y)])


def whole_frame_mask(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Eroded and soft mask of the whole frame, step by step as latentsync.md §6 describes it."""
    columns, rows = np.meshgrid(np.arange(FRAME_WH[0]), np.arange(FRAME_WH[1]))
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2]
    width, height = CROP_WH
    across, down = np.clip(np.minimum(x + 1, width - x), 0, 1), np.clip(np.minimum(y + 1, height - y), 0, 1)
    covered = np.pad((across * down).astype(np.float32), ((1, 0), (1, 0)), constant_values=np.inf)
    eroded = np.minimum(np.minimum(covered[1:, 1:], covered[1:, :-1]), np.minimum(covered[:-1, 1:], covered[:-1, :-1]))
    edge = int(np.sqrt(eroded.sum(dtype=np.float64))) // 20
    center = cv2.erode(eroded, np.ones((2 * edge, 2 * edge) if edge else (3, 3)))
    return eroded, np.asarray(cv2.GaussianBlur(center, (2 * edge + 1, 2 * edge + 1), 0.3 * (edge - 1) + 0.8))


def in_whole_frame(mask: SoftMask, part: NDArray[np.float32]) -> NDArray[np.float32]:
    whole = np.zeros(FRAME_WH[::-1], np.float32)
    whole[mask.roi.slices()] = part
    return whole


@pytest.mark.parametrize(
    "matrix",
    [
        pytest.param(similarity(1.0, 0, 160, 120), id="upright"),
        pytest.param(similarity(0.7, 23, 161.3, 118.6), id="rolled"),
        pytest.param(similarity(1.3, -140, 150, 120), id="upside down"),
        pytest.param(similarity(0.8, 10, 20, 30), id="over the upper left corner"),
        pytest.param(similarity(0.8, -15, 300, 220), id="over the lower right corner"),
        pytest.param(similarity(0.3, 5, 160, 120), id="larger than the frame"),
        pytest.param(similarity(1.0, 0, -45, 120), id="a sliver at the left edge"),
        pytest.param(similarity(1.0, 0, 366, 120), id="a sliver at the right edge"),
        pytest.param(similarity(9.0, 30, 100.5, 100), id="a few pixels"),
    ],
)
def test_it_equals_the_mask_of_the_whole_frame(matrix: NDArray[np.float64]) -> None:
    mask = soft_mask(matrix, CROP_WH, FRAME_WH)
    eroded, soft = whole_frame_mask(matrix)
    assert mask.roi.w * mask.roi.h > 0
    np.testing.assert_allclose(in_whole_frame(mask, mask.eroded), eroded, atol=2e-5)
    np.testing.assert_allclose(in_whole_frame(mask, mask.soft), soft, atol=2e-5)


def test_only_the_surroundings_of_the_face_are_computed() -> None:
    roi = soft_mask(similarity(1.0, 0, 160, 120), CROP_WH, FRAME_WH).roi
    assert roi.w <= CROP_WH[0] + 6
    assert roi.h <= CROP_WH[1] + 6


def test_a_face_outside_the_frame_has_an_empty_mask() -> None:
    mask = soft_mask(similarity(1.0, 0, 500, 120), CROP_WH, FRAME_WH)
    assert mask.soft.size == 0
    assert (mask.roi.h, mask.roi.w) == mask.soft.shape


def test_a_singular_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="Singular"):
        soft_mask(np.zeros((2, 3)), CROP_WH, FRAME_WH)


def test_the_mask_lies_inside_the_frame() -> None:
    roi = soft_mask(similarity(0.3, 5, 160, 120), CROP_WH, FRAME_WH).roi
    assert roi == Roi(0, 0, *FRAME_WH)
