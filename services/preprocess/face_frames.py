"""The frames of the timeline in output order, each with its aligned face or the reason why it has none."""

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.chunk_files import Outcome
from services.common.face_geometry import crop_region
from services.common.media.decode import read_pictures
from services.common.media.formats import WorkingFormat
from services.common.media.picture import Picture
from services.common.media.probe import VideoInfo
from services.common.messages import Mode
from services.common.speakers import Speaker
from services.preprocess.align_stream import AlignedFrame, aligned_frames
from services.preprocess.crop import crop_reference, crop_studio
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.faces.observe import SEARCH_EVERY_FRAMES, observe
from services.preprocess.plan import Timeline, first_descent


@dataclass(frozen=True)
class FaceFrame:
    """One output frame."""

    index: int
    outcome: Outcome
    face: NDArray[np.uint8] | None = None
    """Aligned face R×R×3 RGB; None where the frame passes through, as are the three below."""
    matrix: NDArray[np.float64] | None = None
    """Frame px → crop px, 2×3."""
    run: int | None = None
    """Consecutive source frames of one shot and one face share it."""
    track: int | None = None


def face_frames(
    video: Path,
    info: VideoInfo,
    timeline: Timeline,
    detector: FaceDetector,
    speaker: Speaker,
    mode: Mode,
    resolution: int,
) -> Generator[FaceFrame, None, None]:
    """Decodes, finds and aligns the speaker's face in one pass over the source; memory is constant in duration.

    Where the timeline goes back to earlier frames (`loop`, `bounce`), those are decoded again but not searched again.
    """
    working_format: WorkingFormat | None = "gbrp" if mode == "reference" else None
    turn = first_descent(timeline)
    wanted = set(timeline.source[timeline.dub].tolist())
    in_flight: deque[Picture] = deque()

    def frames_to_search() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for picture in read_pictures(video, info, np.unique(timeline.source[:turn]).tolist(), working_format):
            in_flight.append(picture)
            yield picture.index, picture.rgb()

    # The published pipeline searches every frame.
    search_every = 1 if mode == "reference" else SEARCH_EVERY_FRAMES
    observed = observe(frames_to_search(), detector, wanted.__contains__, search_every)
    geometry: dict[int, _Geometry] = {}
    next_index = 0
    for aligned in aligned_frames(observed, speaker, mode, resolution):
        picture = in_flight.popleft()
        found = _Geometry.of(aligned)
        if turn < timeline.frames:  # a second pass will ask for it
            geometry[aligned.index] = found
        while next_index < turn and timeline.source[next_index] == aligned.index:
            yield _face_frame(next_index, picture, found, timeline, mode, resolution)
            next_index += 1

    for index, picture in enumerate(
        read_pictures(video, info, timeline.source[turn:].tolist(), working_format), start=turn
    ):
        yield _face_frame(index, picture, geometry[picture.index], timeline, mode, resolution)


@dataclass(frozen=True)
class _Geometry:
    """What outlives the first pass of a source frame."""

    outcome: Outcome
    matrix: NDArray[np.float64] | None
    run: int | None
    track: int | None

    @classmethod
    def of(cls, aligned: AlignedFrame) -> "_Geometry":
        outcome = Outcome[aligned.reason.upper()] if aligned.reason else Outcome.DUBBED
        return cls(outcome, aligned.matrix, aligned.run, aligned.track)


def _face_frame(
    index: int, picture: Picture, geometry: _Geometry, timeline: Timeline, mode: Mode, resolution: int
) -> FaceFrame:
    if not timeline.dub[index]:
        return FaceFrame(index, Outcome.NOT_WANTED)
    if geometry.matrix is None:
        return FaceFrame(index, geometry.outcome)
    if mode == "reference":
        face = crop_reference(picture.rgb(), geometry.matrix, resolution)
    else:
        roi = crop_region(geometry.matrix, resolution, picture.width, picture.height)
        shifted = geometry.matrix.copy()
        shifted[:, 2] += shifted[:, :2] @ (roi.x, roi.y)
        face = crop_studio(picture.rgb(roi), shifted, resolution)
    return FaceFrame(index, Outcome.DUBBED, face, geometry.matrix, geometry.run, geometry.track)
