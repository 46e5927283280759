"""How alike two curves are, and by how much one lags behind the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_LAG_FRAMES = 10

_LEAST_PAIRS = 8
_FLAT = 1e-9


@dataclass(frozen=True)
class LagCorrelation:
    """Pearson's correlation of a measured curve with an expected one, at a range of lags."""

    lags_frames: tuple[int, ...]
    """Positive: the measured curve is late."""
    correlations: tuple[float, ...]
    """NaN where a curve is flat or fewer than eight moments are known of both."""

    @property
    def at_zero(self) -> float:
        return self.correlations[self.lags_frames.index(0)]

    @property
    def best_lag_frames(self) -> int | None:
        """The lag of the highest correlation; None if there is none at all."""
        if np.isnan(self.correlations).all():
            return None
        return self.lags_frames[int(np.nanargmax(self.correlations))]

    @property
    def best(self) -> float:
        return float("nan") if self.best_lag_frames is None else float(np.nanmax(self.correlations))


def correlate_at_lags(
    measured: NDArray[np.floating], expected: NDArray[np.floating], max_lag_frames: int = MAX_LAG_FRAMES
) -> LagCorrelation:
    """Correlates measured[t + lag] with expected[t] for every lag from −max to +max, over moments where both are known.

    Args:
        measured, expected: [n] each; NaN = unknown.
    """
    lags = range(-max_lag_frames, max_lag_frames + 1)
    return LagCorrelation(tuple(lags), tuple(_pearson(*_shifted(measured, expected, lag)) for lag in lags))


def amplitude_ratio(measured: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """Range of the measured curve over that of the expected one, 5th to 95th percentile; NaN if the latter is flat."""
    if np.isnan(measured).all() or np.isnan(expected).all():
        return float("nan")
    low, high = np.nanpercentile(expected, (5, 95))
    if high - low < _FLAT:
        return float("nan")
    measured_low, measured_high = np.nanpercentile(measured, (5, 95))
    return float((measured_high - measured_low) / (high - low))


def _shifted(
    measured: NDArray[np.floating], expected: NDArray[np.floating], lag: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    length = len(measured) - abs(lag)
    if length <= 0:
        return measured[:0], expected[:0]
    return measured[max(lag, 0) :][:length], expected[max(-lag, 0) :][:length]


def _pearson(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < _LEAST_PAIRS:
        return float("nan")
    first, second = first[known] - first[known].mean(), second[known] - second[known].mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread > _FLAT else float("nan")
