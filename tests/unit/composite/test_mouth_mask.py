"""The part of a generated face that studio mode shows."""

import cv2
import numpy as np
import pytest

from services.common.face_mask import face_mask
from services.composite.mouth_mask import mouth_mask

RESOLUTIONS = [128, 256, 512]


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_kept_pixels_and_their_neighbours_have_no_weight(resolution: int) -> None:
    keep = (face_mask(resolution) >= 0.5).astype(np.uint8)
    near_keep = cv2.dilate(keep, np.ones((3, 3), np.uint8)) == 1
    assert not mouth_mask(resolution).alpha[near_keep].any()


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_mouth_is_shown_in_full(resolution: int) -> None:
    rows, columns = (
        slice(int(first * resolution), int(last * resolution)) for first, last in ((0.57, 0.8), (0.27, 0.73))
    )
    assert mouth_mask(resolution).alpha[rows, columns].min() > 0.99


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_edge_is_soft(resolution: int) -> None:
    alpha = mouth_mask(resolution).alpha
    steepest = max(np.abs(np.diff(alpha, axis=axis)).max() for axis in (0, 1))
    assert steepest < 1.7 * 16 / resolution


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_box_is_the_tightest_around_the_mask(resolution: int) -> None:
    mask = mouth_mask(resolution)
    left, top, right, bottom = mask.box_ltrb
    inside = mask.alpha[top : bottom + 1, left : right + 1]
    assert np.count_nonzero(inside) == np.count_nonzero(mask.alpha)
    assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
