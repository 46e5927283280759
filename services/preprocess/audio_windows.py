"""Which Whisper feature rows each video frame listens to."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

FEATURE_RATE_HZ = 50
CONTEXT_FRAMES = (2, 2)


def window_centres(pts: NDArray[np.int64], time_base: Fraction) -> NDArray[np.int64]:
    """The feature row at each frame's time, ⌊t · 50⌋, without rounding t.

    Args:
        pts: int64 [N], frame times in `time_base` seconds.

    Returns:
        int64 [N]. At 25 frames per second frame i is centred on row 2i, as in the reference.
    """
    rows_per_tick = FEATURE_RATE_HZ * time_base
    centres: NDArray[np.int64] = pts * rows_per_tick.numerator // rows_per_tick.denominator
    return centres


def window_rows(
    centres: NDArray[np.int64], length: int, context: tuple[int, int] = CONTEXT_FRAMES
) -> NDArray[np.int64]:
    """The feature rows around each centre; beyond the ends of the features the edge row repeats.

    Args:
        centres: int64 [N], a feature row per frame.
        length: number of feature rows, at least 1.
        context: frames of 1/25 s (two rows each) before and after the frame's own.

    Returns:
        int64 [N, 2 · (before + 1 + after)], rows centre − 2·before … centre + 2·after + 1, within [0, length).
    """
    before, after = context
    offsets = np.arange(-2 * before, 2 * (after + 1))
    rows: NDArray[np.int64] = np.clip(centres[:, None] + offsets, 0, length - 1)
    return rows


def reference_frame_count(feature_rows: int, fps: Fraction = Fraction(25)) -> int:
    """Output frames the reference makes for a sound: up to and including the first one centred past `feature_rows`."""
    return math.ceil((feature_rows + 1) * fps / FEATURE_RATE_HZ) + 1
