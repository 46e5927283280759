"""The frames of a video with the speaker's face in each: what all measures look at."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.media.decode import read_pictures
from services.common.media.picture import Picture
from services.common.media.probe import VideoInfo
from services.common.speakers import Speaker
from services.preprocess.align_stream import aligned_frames
from services.preprocess.crop import crop_studio
from services.preprocess.faces.detector import Face, FaceDetector
from services.preprocess.faces.observe import ObservedFrame, observe

FACE_PX = 256


@dataclass(frozen=True, eq=False)
class SpeakerFrame:
    picture: Picture
    rgb_hwc: NDArray[np.uint8]
    face: Face | None
    """None where the speaker is not in sight."""
    matrix: NDArray[np.float64] | None
    """2×3, frame px → px of the crop that a face of FACE_PX is made from; None where the face cannot be dubbed."""
    run: int | None
    """Consecutive frames of one shot and one face share it; None where there is no matrix."""

    @property
    def index(self) -> int:
        return self.picture.index

    def aligned_face(self) -> NDArray[np.uint8] | None:
        """FACE_PX×FACE_PX×3 RGB as the networks are shown it; None without a matrix."""
        return None if self.matrix is None else crop_studio(self.rgb_hwc, self.matrix, FACE_PX)


def speaker_frames(video: Path, info: VideoInfo, detector: FaceDetector, speaker: Speaker) -> Iterator[SpeakerFrame]:
    """Every frame in order, in one pass; a few frames are held at a time. Raises the errors of `read_pictures`."""
    pictures: deque[Picture] = deque()
    observed: deque[ObservedFrame] = deque()

    def searched() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for picture in read_pictures(video, info):
            pictures.append(picture)
            yield picture.index, picture.rgb()

    def remembered() -> Iterator[ObservedFrame]:
        for frame in observe(searched(), detector, lambda index: True):
            observed.append(frame)
            yield frame

    for aligned in aligned_frames(remembered(), speaker, "studio", FACE_PX):
        frame = observed.popleft()
        face = next((tracked.face for tracked in frame.faces if tracked.track == aligned.track), None)
        yield SpeakerFrame(pictures.popleft(), frame.rgb_hwc, face, aligned.matrix, aligned.run)
