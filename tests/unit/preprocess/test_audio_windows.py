"""Which feature rows a frame listens to."""

import math
from fractions import Fraction

import numpy as np
import pytest

from services.preprocess.audio_windows import reference_frame_count, window_centres, window_rows


def test_at_25_fps_frame_i_is_centred_on_row_2i() -> None:
    frames = np.arange(20_000)
    np.testing.assert_array_equal(window_centres(frames, Fraction(1, 25)), 2 * frames)


@pytest.mark.parametrize(
    "time_base", [Fraction(1, 90_000), Fraction(1, 44_100), Fraction(1001, 30_000), Fraction(1, 10**9)]
)
def test_centres_are_the_exact_floor_of_50_t(time_base: Fraction) -> None:
    near_rows = [int(row / 50 / time_base) + nudge for row in range(1, 30_000, 997) for nudge in (-1, 0, 1)]
    pts = np.array(near_rows, np.int64)
    assert window_centres(pts, time_base).tolist() == [math.floor(50 * p * time_base) for p in near_rows]


def test_a_window_reaches_four_rows_back_and_five_ahead() -> None:
    np.testing.assert_array_equal(window_rows(np.array([20]), 100), [np.arange(16, 26)])


def test_windows_repeat_the_edge_rows_beyond_the_sound() -> None:
    rows = window_rows(np.array([0, 9, 500]), 10)
    assert rows[0].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4, 5]
    assert rows[1].tolist() == [5, 6, 7, 8, 9, 9, 9, 9, 9, 9]
    assert set(rows[2]) == {9}


@pytest.mark.parametrize("feature_rows", [0, 1, 2, 7, 480, 481])
def test_the_reference_makes_two_frames_more_than_the_sound_lasts(feature_rows: int) -> None:
    assert reference_frame_count(feature_rows) == feature_rows // 2 + 2
