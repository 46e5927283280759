import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality.mouth_opening import LOWER_INNER_LIP, OUTER_EYE_CORNERS, UPPER_INNER_LIP, mouth_opening


def _mesh(gap_px: float) -> NDArray[np.float64]:
    landmarks = np.zeros((468, 2))
    landmarks[list(OUTER_EYE_CORNERS)] = (-50, 0), (50, 0)
    landmarks[list(UPPER_INNER_LIP)] = [(x, 80) for x in range(-20, 21, 10)]
    landmarks[list(LOWER_INNER_LIP)] = [(x, 80 + gap_px) for x in range(-20, 21, 10)]
    return landmarks


def test_the_opening_is_the_lips_gap_over_the_eyes_distance() -> None:
    assert mouth_opening(_mesh(20)) == pytest.approx(0.2)
    assert mouth_opening(_mesh(0)) == 0


def test_size_place_and_tilt_do_not_matter() -> None:
    angle = np.radians(35)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    assert mouth_opening(3 * _mesh(20) @ turn.T + (400, 90)) == pytest.approx(0.2)


def test_without_a_face_the_opening_is_unknown() -> None:
    assert np.isnan(mouth_opening(None))
    assert np.isnan(mouth_opening(np.zeros((468, 2))))
