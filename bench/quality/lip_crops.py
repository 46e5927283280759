"""The mouth and its surroundings as SyncNet was trained to see them (latentsync.md §10, step 3)."""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

REACH_FRAMES = 6
"""The box of a frame is the median of those up to six frames before and after."""

_BELOW, _BESIDE = 1.8, 1.4
_OUTSIDE = (110, 110, 110)


class SteadyBoxes:
    """Median of 13 over the centre and size of one face's boxes, streaming: nothing comes out for the first six."""

    def __init__(self) -> None:
        self._around: deque[NDArray[np.float64]] = deque(maxlen=2 * REACH_FRAMES + 1)
        self._taken = self._given = 0

    def push(self, box_xyxy: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The steady squares (centre x, centre y, half side; px) that are complete now; see `close`."""
        left, top, right, bottom = box_xyxy
        half_side = max(right - left, bottom - top) / 2
        self._around.append(np.array([(left + right) / 2, (top + bottom) / 2, half_side]))
        self._taken += 1
        return [self._next()] if self._taken - self._given > REACH_FRAMES else []

    def close(self) -> list[NDArray[np.float64]]:
        """The squares still due, at the end of a run; then another run may begin."""
        due = [self._next() for _ in range(self._taken - self._given)]
        self._around.clear()
        self._taken = self._given = 0
        return due

    def _next(self) -> NDArray[np.float64]:
        newest_first = list(self._around)[::-1]
        reach = slice(max(0, self._taken - 1 - self._given - REACH_FRAMES), self._taken - self._given + REACH_FRAMES)
        self._given += 1
        return np.asarray(np.median(newest_first[reach], axis=0))


def lip_crop(rgb_hwc: NDArray[np.uint8], square: NDArray[np.float64], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """From half a side above the face's middle to 1.8 half sides below it, and 1.4 to either side; grey 110 beyond the
    frame.

    Args:
        rgb_hwc: the frame.
        square: centre x, centre y, half side; px.

    Returns:
        uint8 [height, width, 3].
    """
    height, width = rgb_hwc.shape[:2]
    x, y, half_side = square
    top, bottom = int(np.floor(y - half_side)), int(np.floor(y + _BELOW * half_side))
    left, right = int(np.floor(x - _BESIDE * half_side)), int(np.floor(x + _BESIDE * half_side))
    inside = rgb_hwc[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    beyond = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    crop = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_CONSTANT, value=_OUTSIDE)
    return np.asarray(cv2.resize(crop, size_wh), np.uint8)
