"""Looks at the frames of a video one by one: shots, faces, and which face is whose."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.detector import FaceDetector
from services.preprocess.faces.shots import ShotDetector, thumbnail
from services.preprocess.faces.tracks import FaceTracker, TrackedFace

_THOROUGH_EVERY = 12
"""A search of the whole frame in tiles takes a quarter of a second, so faceless frames get one only now and then."""


@dataclass(frozen=True, eq=False)
class ObservedFrame:
    index: int
    rgb_hwc: NDArray[np.uint8]
    shot: int
    """Counted from 0."""
    wanted: bool
    """Whether faces were looked for at all."""
    faces: tuple[TrackedFace, ...]
    """Largest first."""


def observe(
    frames: Iterable[tuple[int, NDArray[np.uint8]]], detector: FaceDetector, wanted: Callable[[int], bool]
) -> Iterator[ObservedFrame]:
    """Frames (index, H×W×3) in rising order → the same frames with shot and tracked faces, one by one, no look-ahead.

    Faces are looked for only where `wanted(index)`; shots are followed everywhere.
    """
    shots, tracker = ShotDetector(), FaceTracker()
    shot = faceless_in_shot = 0
    for index, rgb_hwc in frames:
        if shots.update(thumbnail(rgb_hwc)):
            shot += 1
            faceless_in_shot = 0
        if not wanted(index):
            yield ObservedFrame(index, rgb_hwc, shot, False, ())
            continue
        thorough = faceless_in_shot % _THOROUGH_EVERY == 0
        faces = detector.detect(rgb_hwc, thorough, tracker.expected_boxes(index, shot))
        faceless_in_shot += not faces
        yield ObservedFrame(index, rgb_hwc, shot, True, tracker.update(index, shot, rgb_hwc, faces))
