"""Keeps book of what becomes of every output frame, until a whole segment is known and can be handed on."""

from collections.abc import Iterator

import numpy as np

from services.common.chunk_files import PASSED_THROUGH, Manifest, Outcome
from services.preprocess.face_frames import FaceFrame
from services.preprocess.plan import Timeline, Window, segment_bounds

_UNDECIDED = -2


class Ledger:
    def __init__(self, timeline: Timeline) -> None:
        frames = timeline.frames
        self._timeline = timeline
        self._bounds = segment_bounds(timeline)
        self._next_segment = 0
        self._chunk = np.full(frames, _UNDECIDED, np.int64)
        self._row = np.zeros(frames, np.int64)
        self._matrices = np.full((frames, 2, 3), np.nan)
        self._outcome = np.zeros(frames, np.int64)
        self._track = np.full(frames, -1, np.int64)

    @property
    def segments(self) -> int:
        return len(self._bounds) - 1

    def enter(self, frame: FaceFrame) -> None:
        """Notes a frame; one that passes through is thereby decided."""
        self._outcome[frame.index] = frame.outcome
        if frame.matrix is None:
            self._chunk[frame.index] = PASSED_THROUGH
        else:
            self._matrices[frame.index] = frame.matrix
            self._track[frame.index] = -1 if frame.track is None else frame.track

    def assign(self, chunk: int, window: Window[FaceFrame]) -> None:
        """Notes that the window's own frames (not its context) get their faces from `chunk`."""
        for row, frame in enumerate(window.frames):
            if row >= window.context:
                self._chunk[frame.index] = chunk
                self._row[frame.index] = row

    def segments_of(self, window: Window[FaceFrame]) -> tuple[int, ...]:
        """Segments that the window's own frames lie in."""
        frames = [frame.index for frame in window.frames[window.context :]]
        return tuple(np.unique(np.searchsorted(self._bounds, frames, side="right") - 1).tolist())

    def decided(self) -> Iterator[tuple[int, Manifest]]:
        """Segments all of whose frames are decided, in order, each once."""
        while self._next_segment < self.segments:
            start, stop = self._bounds[self._next_segment : self._next_segment + 2].tolist()
            if (self._chunk[start:stop] == _UNDECIDED).any():
                return
            yield self._next_segment, self._manifest(start, stop)
            self._next_segment += 1

    def outcomes(self) -> dict[Outcome, int]:
        """Number of frames by what became of them."""
        return {outcome: int((self._outcome == outcome).sum()) for outcome in Outcome}

    def _manifest(self, start: int, stop: int) -> Manifest:
        timeline = self._timeline
        end = int(timeline.pts[-1]) + timeline.last_duration
        return Manifest(
            first_frame=start,
            time_base=timeline.time_base,
            source=timeline.source[start:stop],
            pts=timeline.pts[start:stop],
            next_pts=int(timeline.pts[stop]) if stop < timeline.frames else end,
            chunk=self._chunk[start:stop],
            row=self._row[start:stop],
            matrices=self._matrices[start:stop],
            outcome=self._outcome[start:stop],
            track=self._track[start:stop],
        )
