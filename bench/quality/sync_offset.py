"""From embeddings of mouths and of sound to how far they are apart in time, as SyncNet scores it.

Chung & Zisserman, "Out of time: automated lip sync in the wild", 2016; latentsync.md §10, step 5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_SHIFT_FRAMES = 15

_EPSILON = 1e-6
"""Added to every difference by the metric that the published figures were made with."""


@dataclass(frozen=True)
class SyncScore:
    shifts_frames: tuple[int, ...]
    """Of 40 ms each; positive: the picture is late."""
    mean_distances: tuple[float, ...]
    """Between the mouths and the sound, per shift."""
    windows: int
    """Moments averaged over."""

    @property
    def offset_frames(self) -> int:
        return self.shifts_frames[int(np.argmin(self.mean_distances))]

    @property
    def min_distance(self) -> float:
        return min(self.mean_distances)

    @property
    def confidence(self) -> float:
        """How far the best shift stands out: median distance − smallest distance."""
        return float(np.median(self.mean_distances)) - self.min_distance


class ShiftDistances:
    """Averages the distances over a video, block by block."""

    def __init__(self, max_shift_frames: int = MAX_SHIFT_FRAMES) -> None:
        self._max_shift = max_shift_frames
        self._sums = np.zeros(2 * max_shift_frames + 1)
        self._counts = np.zeros(2 * max_shift_frames + 1, np.int64)
        self._windows = 0

    def add(self, visual: NDArray[np.floating], audio: NDArray[np.floating]) -> None:
        """Takes n moments: `visual` [n, d] and, for each, `audio` [n, 2·max + 1, d] from `max` frames earlier to `max`
        frames later. A sound that there is none of is NaN, and does not count."""
        distances = np.linalg.norm(visual[:, None].astype(np.float64) - audio + _EPSILON, axis=2)
        self._sums += np.nansum(distances, axis=0)
        self._counts += np.isfinite(distances).sum(axis=0)
        self._windows += len(visual)

    def score(self) -> SyncScore | None:
        """None if there is a shift of which nothing is known."""
        if not self._counts.all():
            return None
        means = (self._sums / self._counts)[::-1]
        shifts = range(-self._max_shift, self._max_shift + 1)
        return SyncScore(tuple(shifts), tuple(means.tolist()), self._windows)


def sync_score(visual: NDArray[np.floating], audio: NDArray[np.floating]) -> SyncScore:
    """The score of whole clips, [n, d] each, zeros standing for the sound before and after."""
    shifts = 2 * MAX_SHIFT_FRAMES + 1
    padded = np.pad(audio, ((MAX_SHIFT_FRAMES, MAX_SHIFT_FRAMES), (0, 0)))
    around = np.lib.stride_tricks.sliding_window_view(padded, shifts, axis=0).transpose(0, 2, 1)
    distances = ShiftDistances()
    for row in range(len(visual)):
        distances.add(visual[row : row + 1], around[row : row + 1])
    score = distances.score()
    assert score is not None
    return score
