"""Keeps the identity of faces from frame to frame inside a shot, without looking ahead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.appearance import signature, unlikeness
from services.preprocess.faces.assignment import cheapest_assignment
from services.preprocess.faces.detector import Face

LOST_AFTER_FRAMES = 25
"""A face unseen for longer is gone; it may still come back and be recognised by its looks."""

_MOST_TRACKS = 32
_COASTING_FRAMES = 10
_SAME_LOOKS = 0.25
_OTHER_LOOKS = 0.45
_NEW_TRACK_COST = 2.0
_FORBIDDEN = 1e6
_SIGNATURE_RATE = 0.1
_VELOCITY_RATE = 0.5


@dataclass(frozen=True, eq=False)
class TrackedFace:
    face: Face
    track: int
    """Unique over the video, counted from 1 in order of appearance."""


@dataclass(eq=False)
class _Track:
    number: int
    seen: int
    box_xyxy: NDArray[np.float64]
    velocity: NDArray[np.float64]
    """Of the centre, px per frame."""
    signature: NDArray[np.float64]

    def predicted_box(self, index: int) -> NDArray[np.float64]:
        shift = self.velocity * min(index - self.seen, _COASTING_FRAMES)
        box: NDArray[np.float64] = self.box_xyxy + np.concatenate([shift, shift])
        return box


class FaceTracker:
    """Assigns the faces of each frame to tracks by predicted position and by looks, all at once at least cost.

    A track keeps being a candidate until the shot ends, so a person who leaves the frame and comes back, or is hidden
    by another one for a while, keeps the number.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._tracks_so_far = 0
        self._shot: int | None = None

    def expected_boxes(self, index: int, shot: int) -> list[NDArray[np.float64]]:
        """Where recently seen faces should be in frame `index`, px (x0, y0, x1, y1)."""
        if shot != self._shot:
            return []
        return [track.predicted_box(index) for track in self._tracks if index - track.seen <= LOST_AFTER_FRAMES]

    def update(
        self, index: int, shot: int, rgb_hwc: NDArray[np.uint8], faces: Sequence[Face]
    ) -> tuple[TrackedFace, ...]:
        """The same faces in the same order, with their tracks. Frames come in rising order of `index`."""
        if shot != self._shot:
            self._shot = shot
            self._tracks = []
        looks = [signature(rgb_hwc, face.box_xyxy) for face in faces]
        columns = self._assigned_columns(index, faces, looks)
        assigned = [self._tracks[column] if column < len(self._tracks) else None for column in columns]
        alone = [_is_alone(face, faces) for face in faces]
        numbers = []
        for face, look, track, is_alone in zip(faces, looks, assigned, alone, strict=True):
            if track is None:
                track = self._started(index, face, look)
            else:
                _move(track, index, face)
                if is_alone:
                    track.signature += _SIGNATURE_RATE * (look - track.signature)
            numbers.append(track.number)
        self._tracks = sorted(self._tracks, key=lambda track: (-track.seen, track.number))[:_MOST_TRACKS]
        return tuple(TrackedFace(face, number) for face, number in zip(faces, numbers, strict=True))

    def _assigned_columns(self, index: int, faces: Sequence[Face], looks: Sequence[NDArray[np.float64]]) -> list[int]:
        """A column per face: those of the tracks first, then one "new track" for each face."""
        cost = np.full((len(faces), len(self._tracks) + len(faces)), _NEW_TRACK_COST)
        for row, (face, look) in enumerate(zip(faces, looks, strict=True)):
            for column, track in enumerate(self._tracks):
                cost[row, column] = _cost(track, index, face, look)
        return cheapest_assignment(cost) if len(faces) else []

    def _started(self, index: int, face: Face, look: NDArray[np.float64]) -> _Track:
        self._tracks_so_far += 1
        track = _Track(self._tracks_so_far, index, face.box_xyxy, np.zeros(2), look)
        self._tracks.append(track)
        return track


def _cost(track: _Track, index: int, face: Face, look: NDArray[np.float64]) -> float:
    """0 … 2 for the same person, above 2 (a new track's cost) for another one."""
    gap = index - track.seen
    predicted = track.predicted_box(index)
    size, predicted_size = _size(face.box_xyxy), _size(predicted)
    growth = abs(float(np.log(size / predicted_size)))
    reach_px = max(size, predicted_size) * min(0.5 + 0.15 * gap, 2.0)
    distance = float(np.linalg.norm(_centre(face.box_xyxy) - _centre(predicted))) / reach_px
    difference = unlikeness(track.signature, look)
    is_near = distance <= 1 and growth <= 0.7
    if is_near and gap == 1:  # a face that was just there stays itself even under a flash
        return distance + 0.5 * growth + min(3 * difference, 1.0)
    if is_near and difference <= _OTHER_LOOKS:
        return distance + 0.5 * growth + 3 * difference
    if difference <= _SAME_LOOKS:
        return 1 + 4 * difference
    return _FORBIDDEN


def _move(track: _Track, index: int, face: Face) -> None:
    gap = index - track.seen
    step = (_centre(face.box_xyxy) - _centre(track.box_xyxy)) / gap
    track.velocity = track.velocity + _VELOCITY_RATE * (step - track.velocity)
    track.box_xyxy, track.seen = face.box_xyxy, index


def _is_alone(face: Face, faces: Sequence[Face]) -> bool:
    """Whether no other face is close enough to lend its colours to this one's signature."""
    width, height = face.box_xyxy[2:] - face.box_xyxy[:2]
    reach = np.array([0.5 * width, 0.5 * height])
    low, high = face.box_xyxy[:2] - reach, face.box_xyxy[2:] + reach
    others = [other.box_xyxy for other in faces if other is not face]
    return not any(np.all(box[:2] < high) and np.all(box[2:] > low) for box in others)


def _centre(box_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    return (box_xyxy[:2] + box_xyxy[2:]) / 2


def _size(box_xyxy: NDArray[np.float64]) -> float:
    return float(np.sqrt(max(float(np.prod(box_xyxy[2:] - box_xyxy[:2])), 1.0)))
