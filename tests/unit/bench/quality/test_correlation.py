import numpy as np
import pytest

from bench.quality.correlation import amplitude_ratio, correlate_at_lags


def test_a_curve_that_is_late_is_found_to_be_late() -> None:
    expected = np.random.default_rng(0).normal(size=200)
    measured = np.concatenate([np.zeros(4), expected[:-4]])

    found = correlate_at_lags(measured, expected)

    assert found.best_lag_frames == 4
    assert found.best == pytest.approx(1)
    assert abs(found.at_zero) < 0.3


def test_gain_and_bias_do_not_matter() -> None:
    expected = np.random.default_rng(1).normal(size=50)

    assert correlate_at_lags(3 * expected - 7, expected).at_zero == pytest.approx(1)
    assert correlate_at_lags(-expected, expected).at_zero == pytest.approx(-1)


def test_unknown_moments_are_left_out() -> None:
    expected = np.random.default_rng(2).normal(size=60)
    measured = expected.copy()
    measured[10:20] = np.nan

    assert correlate_at_lags(measured, expected).at_zero == pytest.approx(1)


def test_nothing_is_claimed_of_flat_or_unknown_curves() -> None:
    curve = np.arange(40.0)

    for other in (np.full(40, 2.0), np.full(40, np.nan)):
        found = correlate_at_lags(other, curve)
        assert found.best_lag_frames is None
        assert np.isnan([found.best, found.at_zero]).all()


def test_lags_longer_than_the_curves_are_unknown() -> None:
    curve = np.random.default_rng(3).normal(size=9)

    found = correlate_at_lags(curve, curve)

    assert found.best_lag_frames == 0
    assert np.isnan(found.correlations[0])


def test_the_amplitude_ratio_ignores_outliers_and_position() -> None:
    expected = np.random.default_rng(4).normal(size=400)
    measured = 0.5 * expected + 3
    measured[7] = 1e6

    assert amplitude_ratio(measured, expected) == pytest.approx(0.5, rel=0.05)
    assert np.isnan(amplitude_ratio(measured, np.zeros(400)))
