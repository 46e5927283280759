"""Zero-phase smoothing of a run of values: a Savitzky–Golay filter that streams (Savitzky & Golay, 1964)."""

from collections import deque
from functools import cache

import numpy as np
from numpy.typing import NDArray

_WINDOW = 7
_HALF = _WINDOW // 2
_ORDER = 2


class ZeroPhaseSmoother:
    """Window 7, order 2; the first and last three values come from the polynomial of the outermost window.

    Gives as many values as it takes, in order: nothing before the seventh value, from then on each one three values
    late. A run shorter than the window is fitted by one polynomial, of lower order the shorter it is.
    """

    def __init__(self) -> None:
        self._window: deque[NDArray[np.float64]] = deque(maxlen=_WINDOW)
        self._taken = 0

    def push(self, value: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The smoothed values that the next raw one completes; all have its shape."""
        self._window.append(value)
        self._taken += 1
        if self._taken < _WINDOW:
            return []
        first = 0 if self._taken == _WINDOW else _HALF
        return list(self._fitted()[first : _HALF + 1])

    def close(self) -> list[NDArray[np.float64]]:
        """The smoothed values still due; the smoother is then ready for another run."""
        due = self._fitted()[_HALF + 1 :] if self._taken >= _WINDOW else self._fitted()
        self._window.clear()
        self._taken = 0
        return list(due)

    def _fitted(self) -> NDArray[np.float64]:
        if not self._window:
            return np.empty(0)
        values = np.stack(self._window)
        fitted: NDArray[np.float64] = np.tensordot(_projection(len(values)), values, axes=1)
        return fitted


@cache
def _projection(length: int) -> NDArray[np.float64]:
    """length×length: values at consecutive moments → their least-squares polynomial at the same moments."""
    order = min(_ORDER, length // 2)
    moments = np.vander(np.arange(length) - (length - 1) / 2, order + 1)
    return np.asarray(moments @ np.linalg.pinv(moments), dtype=np.float64)
