"""Looks at the frames of a video one by one: shots, faces, and which face is whose."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.detector import Face, FaceDetector, FaceFollower
from services.preprocess.faces.shots import ShotDetector, thumbnail
from services.preprocess.faces.tracks import FaceTracker, TrackedFace

_THOROUGH_EVERY = 12
"""A search of the whole frame in tiles takes a quarter of a second, so faceless frames get one only now and then."""
SEARCH_EVERY_FRAMES = 4
"""In between, faces that are all still there are only followed, at half the cost; one that appears is seen up to
three frames late."""


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
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    detector: FaceDetector,
    wanted: Callable[[int], bool],
    search_every: int = SEARCH_EVERY_FRAMES,
) -> Iterator[ObservedFrame]:
    """Frames (index, H×W×3) in rising order → the same frames with shot and tracked faces, one by one, no look-ahead.

    Faces are looked for only where `wanted(index)`; shots are followed everywhere. Whole frames are searched where a
    face went missing lately, after a cut or a gap, and every `search_every` frames; in the others the faces of the
    frame before are followed, if `detector` can.
    """
    shots, tracker = ShotDetector(), FaceTracker()
    follower = detector if isinstance(detector, FaceFollower) else None
    shot = faceless_in_shot = since_search = 0
    faces: list[Face] = []
    for index, rgb_hwc in frames:
        if shots.update(thumbnail(rgb_hwc)):
            shot += 1
            faceless_in_shot = 0
        if not wanted(index):
            faces = []
            yield ObservedFrame(index, rgb_hwc, shot, False, ())
            continue
        expected = tracker.expected_boxes(index, shot)
        since_search += 1
        can_follow = since_search < search_every and 0 < len(faces) == len(expected)
        followed = follower.follow(rgb_hwc, faces) if follower and can_follow else None
        if followed is None:
            thorough = faceless_in_shot % _THOROUGH_EVERY == 0
            followed, since_search = detector.detect(rgb_hwc, thorough, expected), 0
        faces = followed
        faceless_in_shot += not faces
        yield ObservedFrame(index, rgb_hwc, shot, True, tracker.update(index, shot, rgb_hwc, faces))
