"""Finds cuts between shots as the frames come, without looking ahead."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 48
_SHIFT = 6
"""How far, in thumbnail px, the picture may have moved between two frames: a pan is not a cut."""
_LEAST_CHANGE = 0.13
"""Jump cuts inside one camera setting measure about 0.17, hard cuts 0.5 and more, quick gestures up to 0.09."""
_LEAST_CHANGED_SHARE = 0.13
"""Of the picture; the jump cut above changes 0.18, somebody walking through close to the camera up to 0.11."""
_CHANGED_LOG = 0.1
_ABOVE_RECENT = 3.0
_RECENT_FRAMES = 8
_REMEMBERED_THUMBNAILS = 3
_LONGEST_FLASH_FRAMES = 3
_SATURATED_SHARE = 0.4
_FLAT = 0.05
_WHITE = 245


def thumbnail(rgb_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """48×48×3 of a whole frame: sixteen pixels are averaged into each one rather than all, which is far quicker."""
    coarse = cv2.resize(rgb_hwc, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(coarse, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A thumbnail, and what is asked about it more than once."""

    log: NDArray[np.float32]
    """Log brightness, 48×48×3."""
    is_flat: bool
    white_share: float
    """Share of the picture that is white or next to it."""

    @classmethod
    def of(cls, rgb_small: NDArray[np.uint8]) -> "_Seen":
        log = np.log(rgb_small.astype(np.float32) + 16)
        darkest = np.minimum(np.minimum(rgb_small[..., 0], rgb_small[..., 1]), rgb_small[..., 2])
        return cls(log, bool(log.std() < _FLAT), float(np.mean(darkest > _WHITE)))


class ShotDetector:
    """A cut is a frame unlike the last few ones, in much of the picture, while those were alike among themselves.

    Likeness is the normalised correlation of log brightness under the best small shift, so neither fades and exposure
    changes nor pans and gestures count; a picture washed out by a flash is passed over for up to three frames.
    """

    def __init__(self) -> None:
        self._last: deque[_Seen] = deque(maxlen=_REMEMBERED_THUMBNAILS)
        self._recent_changes: deque[float] = deque(maxlen=_RECENT_FRAMES)
        self._washed_out_frames = 0

    def update(self, rgb_small: NDArray[np.uint8]) -> bool:
        """Takes the next frame's `thumbnail`; True if this frame starts a new shot. The first frame does not."""
        current = _Seen.of(rgb_small)
        if not self._last:
            self._last.append(current)
            return False
        if self._is_washed_out(current):
            self._washed_out_frames += 1
            return False
        self._washed_out_frames = 0

        changes = [_change(previous, current) for previous in self._last]
        least = max(_LEAST_CHANGE, _ABOVE_RECENT * max(self._recent_changes, default=0.0))
        is_cut = min(changes) > least and _changed_share(self._last[-1].log, current.log) > _LEAST_CHANGED_SHARE
        if is_cut:
            self._last.clear()
            self._recent_changes.clear()
        else:
            self._recent_changes.append(changes[-1])
        self._last.append(current)
        return is_cut

    def _is_washed_out(self, current: _Seen) -> bool:
        if self._washed_out_frames >= _LONGEST_FLASH_FRAMES:
            return False
        last = self._last[-1]
        appeared_flat = current.is_flat and not last.is_flat
        return appeared_flat or current.white_share > last.white_share + _SATURATED_SHARE


def _change(previous: _Seen, current: _Seen) -> float:
    """0 for the same picture up to gain and a small shift, about 1 for an unrelated one."""
    if previous.is_flat or current.is_flat:
        return 0.0 if previous.is_flat and current.is_flat else 1.0
    inner = np.ascontiguousarray(current.log[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT])
    return 1.0 - float(np.max(cv2.matchTemplate(previous.log, inner, cv2.TM_CCOEFF_NORMED)))


def _changed_share(previous: NDArray[np.float32], current: NDArray[np.float32]) -> float:
    """Share of the picture whose log brightness changed otherwise than the picture's as a whole did."""
    difference = current - previous
    deviation = np.abs(difference - np.median(difference, axis=(0, 1))).max(axis=-1)
    return float(np.mean(deviation > _CHANGED_LOG))
