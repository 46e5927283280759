"""Who can be seen in a video: the faces of one of its first frames that have any."""

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from services.common.media.decode import read_pictures
from services.common.media.probe import VideoInfo, probe_video
from services.common.messages import FaceBox, FacesAnswer
from services.preprocess.faces.detector import Face, FaceDetector

LOOKS = 8
"""Frames that are searched at most."""
_WITHIN_REACH_FRAMES = 240
"""Behind the keyframe that decoding begins at. Keyframes rarely lie further apart; then the last frame in reach is
taken instead."""


def looks(video: Path, detector: FaceDetector, at_s: float) -> Generator[FacesAnswer, None, None]:
    """What is seen in the frame shown at `at_s`, then in a few later ones; memory does not depend on the length.

    Each is searched as the first frame of a shot is when a speaker is chosen, so that a point within a box, as
    speaker, chooses its face there. Raises the errors of `probe_video`, and MediaUnreadable.
    """
    info = probe_video(video)
    indices = sorted(set(_sampled(info, at_s)))
    for picture in read_pictures(video, info, indices, threads=1):  # each more would hold frames beside the tasks'
        faces = detector.detect(picture.rgb(), thorough=True)
        boxes = (_box(face, info) for face in faces)
        yield FacesAnswer(
            width=info.width,
            height=info.height,
            at_s=float(int(info.timestamps[picture.index]) * info.time_base),
            faces=tuple(box for box in boxes if box is not None),
        )


def _sampled(info: VideoInfo, at_s: float) -> Iterator[int]:
    """Ever further apart: a picture that fades in has its faces soon. Seeking brings us near all but the first."""
    asked = _keyframed(info, _shown_at(info, at_s))
    yield asked
    for look in range(1, LOOKS):
        index = asked + (info.frame_count - asked) * look**2 // LOOKS**2
        keyframe = _keyframe_before(info, index)
        yield keyframe if keyframe > asked else _keyframed(info, index)


def _shown_at(info: VideoInfo, at_s: float) -> int:
    """The last frame if the video ends before."""
    timestamp = round(min(at_s, info.duration_s) / info.time_base)
    return int(np.searchsorted(info.timestamps, timestamp, side="right")) - 1


def _keyframed(info: VideoInfo, index: int) -> int:
    return min(index, _keyframe_before(info, index) + _WITHIN_REACH_FRAMES)


def _keyframe_before(info: VideoInfo, index: int) -> int:
    if info.untimed:  # such a file is decoded from its beginning
        return 0
    at = int(np.searchsorted(info.keyframes, index, side="right")) - 1
    return int(info.keyframes[at]) if at >= 0 else 0


def _box(face: Face, info: VideoInfo) -> FaceBox | None:
    """What of the face is within the picture; None if nothing is."""
    left, top, right, bottom = np.clip(face.box_xyxy, 0, [info.width, info.height] * 2).tolist()
    if left >= right or top >= bottom:
        return None
    return FaceBox(x=left, y=top, w=right - left, h=bottom - top)
