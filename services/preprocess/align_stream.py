"""The speaker's face in every frame of a video, aligned; or the reason why a frame passes through."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.common.messages import Mode
from services.common.speakers import Speaker
from services.preprocess.alignment import ReferenceAlignment, align_matrix
from services.preprocess.faces.observe import ObservedFrame
from services.preprocess.faces.speaker import SpeakerChooser, choose_like_the_reference
from services.preprocess.faces.usable import Unusable, why_unusable
from services.preprocess.smoothing import ZeroPhaseSmoother

Reason = Literal["not_wanted", "no_face", "speaker_absent"] | Unusable


@dataclass(frozen=True, eq=False)
class AlignedFrame:
    index: int
    run: int | None = None
    """Consecutive source frames with the same shot and track share it; counted from 0. None where it passes through."""
    track: int | None = None
    box_xyxy: NDArray[np.float64] | None = None
    """The speaker's face, frame px."""
    matrix: NDArray[np.float64] | None = None
    """2×3, frame px → crop px. None where the frame passes through."""
    reason: Reason | None = None
    """Why the frame passes through."""


def aligned_frames(
    observed: Iterable[ObservedFrame], speaker: Speaker, mode: Mode, resolution: int
) -> Iterator[AlignedFrame]:
    """Every observed frame in order. Studio mode looks up to six frames ahead, reference mode none."""
    if mode == "reference":
        return _aligned_like_the_reference(observed, resolution)
    return _aligned_smoothly(observed, speaker, resolution)


def _aligned_like_the_reference(observed: Iterable[ObservedFrame], resolution: int) -> Iterator[AlignedFrame]:
    """The largest face of each frame, rounded points, the reference's bias carried over everything."""
    alignment = ReferenceAlignment(resolution)
    run, previous = -1, None
    for frame in observed:
        chosen = choose_like_the_reference(frame.faces)
        if chosen is None:
            yield AlignedFrame(frame.index, reason="no_face" if frame.wanted else "not_wanted")
            continue
        run += previous != frame.index - 1
        previous = frame.index
        matrix = alignment.matrix(chosen.face.triple)
        yield AlignedFrame(frame.index, run, chosen.track, chosen.face.box_xyxy, matrix)


def _aligned_smoothly(observed: Iterable[ObservedFrame], speaker: Speaker, resolution: int) -> Iterator[AlignedFrame]:
    """The chosen speaker; unrounded points, smoothed without delay within each run."""
    chooser, smoother = SpeakerChooser(speaker), ZeroPhaseSmoother()
    waiting: deque[AlignedFrame] = deque()
    run, last = -1, None

    def aligned(triples: list[NDArray[np.float64]]) -> Iterator[AlignedFrame]:
        for triple in triples:
            yield replace(waiting.popleft(), matrix=align_matrix(triple, resolution))

    for frame in observed:
        height, width = frame.rgb_hwc.shape[:2]
        chosen = chooser.choose(frame.index, frame.shot, frame.faces, (width, height)) if frame.wanted else None
        reason: Reason | None
        if chosen is None:
            reason = "not_wanted" if not frame.wanted else "speaker_absent" if frame.faces else "no_face"
            yield from aligned(smoother.close())
            last = None
            yield AlignedFrame(frame.index, reason=reason)
            continue
        face, track = chosen.face, chosen.track
        raw_matrix = align_matrix(face.triple, resolution)
        reason = why_unusable(face.triple, raw_matrix, resolution, (width, height))
        if reason is not None:
            yield from aligned(smoother.close())
            last = None
            yield AlignedFrame(frame.index, track=track, box_xyxy=face.box_xyxy, reason=reason)
            continue
        if last != (frame.index - 1, frame.shot, track):
            yield from aligned(smoother.close())
            run += 1
        last = frame.index, frame.shot, track
        waiting.append(AlignedFrame(frame.index, run, track, face.box_xyxy))
        yield from aligned(smoother.push(face.triple))
    yield from aligned(smoother.close())
