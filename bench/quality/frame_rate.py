"""Which frame is shown when."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SYNC_FPS = 25
"""What every lip-sync network was trained with."""


def nearest_frames(frame_times_s: NDArray[np.floating], times_s: NDArray[np.floating]) -> NDArray[np.int64]:
    """Index of the frame whose time is nearest to each of the times, the earlier one of two.

    Args:
        frame_times_s: [n], rising, n ≥ 1.
        times_s: [m].
    """
    between = (frame_times_s[1:] + frame_times_s[:-1]) / 2
    return np.searchsorted(between, times_s, side="left").astype(np.int64)


def ticks_of_frames(frame_times_s: NDArray[np.floating], duration_s: float) -> list[range]:
    """For each frame, the moments of a 25 fps clock that show it; none for a frame that falls between two.

    Args:
        frame_times_s: [n], rising.
        duration_s: of the video; the clock ends with it.
    """
    moments = np.arange(max(1, round(duration_s * SYNC_FPS)))
    shown = nearest_frames(frame_times_s, moments / SYNC_FPS)
    bounds = np.searchsorted(shown, np.arange(len(frame_times_s) + 1))
    return [range(first, stop) for first, stop in pairwise(bounds.tolist())]
