import numpy as np
import pytest
from numpy.typing import NDArray

from services.preprocess.smoothing import ZeroPhaseSmoother


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    smoother = ZeroPhaseSmoother()
    out = [ready for value in values for ready in smoother.push(value)]
    return np.array(out + smoother.close())


def test_every_value_is_the_local_parabola_through_its_window() -> None:
    values = np.random.default_rng(1).normal(size=(30, 3, 2))
    result = smoothed(values)
    for index in range(30):
        start = min(max(index - 3, 0), 23)
        moments = np.arange(7)
        window = values[start : start + 7].reshape(7, 6)
        fitted = np.polynomial.polynomial.polyfit(moments, window, 2)
        expected = np.polynomial.polynomial.polyval(index - start, fitted)
        np.testing.assert_allclose(result[index].reshape(6), expected, atol=1e-9)


@pytest.mark.parametrize("length", range(1, 12))
def test_as_many_values_come_out_as_go_in_and_straight_motion_is_kept(length: int) -> None:
    values = np.linspace([0.0, 5.0], [3.0, -1.0], length)
    np.testing.assert_allclose(smoothed(values), values, atol=1e-9)


def test_values_come_three_late_and_never_wait_longer_than_six() -> None:
    smoother = ZeroPhaseSmoother()
    assert [len(smoother.push(np.zeros(1))) for _ in range(10)] == [0, 0, 0, 0, 0, 0, 4, 1, 1, 1]
    assert len(smoother.close()) == 3


def test_white_jitter_falls_to_a_third_or_less_between_frames() -> None:
    values = np.random.default_rng(2).normal(size=(400, 1))
    assert np.diff(smoothed(values), axis=0).std() < 0.35 * np.diff(values, axis=0).std()


def test_a_closed_smoother_starts_afresh() -> None:
    smoother = ZeroPhaseSmoother()
    for value in range(9):
        smoother.push(np.array([100.0 * value]))
    smoother.close()
    assert smoother.push(np.zeros(1)) == []
    np.testing.assert_allclose(smoother.close(), [[0.0]])
    assert smoother.close() == []
