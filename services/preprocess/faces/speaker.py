"""Which of the faces of a frame is to be dubbed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.common.speakers import AtPoint, InBox, Largest, OnTrack, Speaker
from services.preprocess.faces.detector import Face
from services.preprocess.faces.tracks import LOST_AFTER_FRAMES, TrackedFace


class SpeakerChooser:
    """Picks the speaker of each shot as soon as it can and then stays with that track.

    While the speaker is out of sight there is none. Only `Largest` gives a lost speaker up for the next largest face;
    the others wait for the return.
    """

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._shot: int | None = None
        self._track: int | None = None
        self._seen = 0

    def choose(
        self, index: int, shot: int, faces: Sequence[TrackedFace], frame_wh: tuple[int, int]
    ) -> TrackedFace | None:
        """The speaker among `faces`, if there. Frames come in rising order of `index`."""
        if shot != self._shot:
            self._shot, self._track = shot, None
        if isinstance(self._speaker, Largest) and index - self._seen > LOST_AFTER_FRAMES:
            self._track = None
        if self._track is None:
            chosen = _pick(self._speaker, faces, frame_wh)
        else:
            chosen = next((tracked for tracked in faces if tracked.track == self._track), None)
        if chosen is not None:
            self._track, self._seen = chosen.track, index
        return chosen


def choose_like_the_reference(faces: Sequence[TrackedFace]) -> TrackedFace | None:
    """The largest acceptable face of this frame alone: box at least 50×80 px with a plausible shape, score ≥ 0.5."""
    return _largest([tracked for tracked in faces if _reference_accepts(tracked.face)])


def _reference_accepts(face: Face) -> bool:
    left, top, right, bottom = (int(edge) for edge in face.box_xyxy)
    width, height = right - left, bottom - top
    return width >= 50 and height >= 80 and 0.2 <= width / height <= 1.5 and face.score >= 0.5


def _pick(speaker: Speaker, faces: Sequence[TrackedFace], frame_wh: tuple[int, int]) -> TrackedFace | None:
    match speaker:
        case Largest():
            return _largest(faces)
        case OnTrack(number):
            return next((tracked for tracked in faces if tracked.track == number), None)
        case InBox(x0, y0, x1, y1):
            low, high = _scaled(x0, y0, frame_wh), _scaled(x1, y1, frame_wh)
            inside = [tracked for tracked in faces if _contains(low, high, _centre(tracked.face))]
            return _largest(inside)
        case AtPoint(x, y):
            point = _scaled(x, y, frame_wh)
            under = [tracked for tracked in faces if _is_at(tracked.face, point)]
            return min(under, key=lambda tracked: float(np.linalg.norm(_centre(tracked.face) - point)), default=None)


def _largest(faces: Sequence[TrackedFace]) -> TrackedFace | None:
    return max(faces, key=lambda tracked: tracked.face.area_px, default=None)


def _is_at(face: Face, point: NDArray[np.float64]) -> bool:
    """A pointing finger may miss the tight box by a quarter of it: hair, ears and chin count."""
    margin = (face.box_xyxy[2:] - face.box_xyxy[:2]) / 4
    return _contains(face.box_xyxy[:2] - margin, face.box_xyxy[2:] + margin, point)


def _contains(low: NDArray[np.float64], high: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    return bool(np.all(low <= point) and np.all(point <= high))


def _centre(face: Face) -> NDArray[np.float64]:
    return (face.box_xyxy[:2] + face.box_xyxy[2:]) / 2


def _scaled(x: float, y: float, frame_wh: tuple[int, int]) -> NDArray[np.float64]:
    return np.array([x * frame_wh[0], y * frame_wh[1]])
