"""The plan: which source frame is shown when, and what of it is dubbed. Pure functions of timestamps and durations."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidParameter
from services.common.messages import LengthPolicy, Span

CHUNK_FRAMES = 16
REFERENCE_FPS = 25
STRETCH_TIME_BASE = Fraction(1, 90_000)
STRETCH_LIMITS = (Fraction(1, 4), Fraction(4))
SEGMENT_S = 10


@dataclass(frozen=True)
class Timeline:
    """The output's frames, one array element each."""

    time_base: Fraction
    source: NDArray[np.int64]
    """Source frame shown."""
    pts: NDArray[np.int64]
    """Presentation time in `time_base`; the first is 0."""
    take: NDArray[np.int64]
    """Counts continuous playback: it rises where the source jumps (a loop's restart), not where it turns."""
    dub: NDArray[np.bool_]
    last_duration: int
    """Duration of the last frame in `time_base`."""

    @property
    def frames(self) -> int:
        return len(self.source)

    @property
    def duration_s(self) -> Fraction:
        return (int(self.pts[-1]) + self.last_duration) * self.time_base


def source_timeline(timestamps: NDArray[np.int64], last_duration: int, time_base: Fraction) -> Timeline:
    """The source shown once, as it is. `timestamps` are int64 [V] in `time_base`, ascending from 0."""
    frames = len(timestamps)
    return Timeline(
        time_base=time_base,
        source=np.arange(frames),
        pts=timestamps,
        take=np.zeros(frames, np.int64),
        dub=np.ones(frames, np.bool_),
        last_duration=last_duration,
    )


def at_constant_rate(source: Timeline, fps: int) -> Timeline:
    """The source at `fps`, by repeating and dropping frames: a frame starts at the nearest slot to its time."""
    slots = np.array([_round_half_up(int(pts) * source.time_base * fps) for pts in source.pts])
    frames = max(1, _round_half_up(source.duration_s * fps))
    shown = np.maximum(np.searchsorted(slots, np.arange(frames), side="right") - 1, 0)
    return Timeline(
        time_base=Fraction(1, fps),
        source=source.source[shown],
        pts=np.arange(frames),
        take=np.zeros(frames, np.int64),
        dub=np.ones(frames, np.bool_),
        last_duration=1,
    )


def fitted(source: Timeline, sound_s: Fraction, policy: LengthPolicy) -> Timeline:
    """The source fitted to a sound of `sound_s` seconds.

    `cut` ends with the shorter of the two · `loop` and `bounce` repeat the source (from its start; forwards and
    backwards in turn, the turning frames shown twice) until the sound ends · `silence` keeps the whole source ·
    `stretch` plays the source slower or faster.

    Raises InvalidParameter when `stretch` would change the speed more than four-fold.
    """
    if policy == "silence":
        return source
    if policy == "stretch":
        return _stretched(source, sound_s)
    takes = -(-sound_s // source.duration_s) if policy in ("loop", "bounce") else 1
    return _until(_repeated(source, int(takes), mirror=policy == "bounce"), sound_s)


def with_segments(timeline: Timeline, segments: Sequence[Span]) -> Timeline:
    """Marks frames whose time lies in one of the spans [start, end) for dubbing; no spans = all of them."""
    if not segments:
        return timeline
    times_s = timeline.pts * float(timeline.time_base)
    dub = np.zeros(timeline.frames, np.bool_)
    for span in segments:
        dub |= (times_s >= span.start_s) & (times_s < span.end_s)
    if not dub.any():
        raise InvalidParameter(f"No segment lies within the output's {float(timeline.duration_s):.2f} s.")
    return Timeline(timeline.time_base, timeline.source, timeline.pts, timeline.take, dub, timeline.last_duration)


def first_descent(timeline: Timeline) -> int:
    """Index of the first output frame that shows an earlier source frame than the one before it."""
    falls = np.flatnonzero(np.diff(timeline.source) < 0)
    return int(falls[0]) + 1 if len(falls) else timeline.frames


def segment_bounds(timeline: Timeline) -> NDArray[np.int64]:
    """First frame of every piece of about 10 s that is encoded by itself, and the number of frames at the end."""
    whole_s = math.ceil(timeline.duration_s)
    starts = [math.ceil(start_s / timeline.time_base) for start_s in range(0, whole_s, SEGMENT_S)]
    return np.unique(np.append(np.searchsorted(timeline.pts, starts), timeline.frames))


T = TypeVar("T")


@dataclass(frozen=True)
class Window(Generic[T]):
    """Frames denoised together: at most 16 of one run. The first `context` were already in the window before."""

    frames: tuple[T, ...]
    context: int = 0


class Windows(Generic[T]):
    """Cuts a stream of frames into windows that never mix two runs.

    With `full_tail` the last window of a run reaches back over frames already denoised instead of being short: the
    networks pool their statistics over the window, so a short one looks different from its neighbours.
    """

    def __init__(self, full_tail: bool) -> None:
        self._full_tail = full_tail
        self._run: object = None
        self._pending: list[T] = []
        self._previous: list[T] = []

    def push(self, frame: T, run: object) -> Iterator[Window[T]]:
        """`run` names the run the frame belongs to; None for a frame that is not denoised."""
        if run != self._run:
            yield from self.close()
            self._run = run
        if run is None:
            return
        self._pending.append(frame)
        if len(self._pending) == CHUNK_FRAMES:
            yield Window(tuple(self._pending))
            self._previous, self._pending = self._pending, []

    def close(self) -> Iterator[Window[T]]:
        """Ends the current run."""
        if self._pending:
            context = CHUNK_FRAMES - len(self._pending) if self._full_tail and self._previous else 0
            earlier = self._previous[-context:] if context else []
            yield Window(tuple(earlier + self._pending), context)
        self._pending, self._previous, self._run = [], [], None


def _repeated(source: Timeline, takes: int, mirror: bool) -> Timeline:
    whole = int(source.duration_s / source.time_base)
    durations = np.diff(source.pts, append=whole)
    backward_pts = whole - (source.pts + durations)[::-1]
    shown, pts, take = [], [], []
    for index in range(takes):
        backward = mirror and index % 2 == 1
        shown.append(source.source[::-1] if backward else source.source)
        pts.append((backward_pts if backward else source.pts) + index * whole)
        take.append(np.full(source.frames, 0 if mirror else index))
    last_backward = mirror and takes % 2 == 0
    return Timeline(
        time_base=source.time_base,
        source=np.concatenate(shown),
        pts=np.concatenate(pts),
        take=np.concatenate(take),
        dub=np.ones(source.frames * takes, np.bool_),
        last_duration=int(durations[0]) if last_backward else source.last_duration,
    )


def _until(timeline: Timeline, end_s: Fraction) -> Timeline:
    """Keeps the frames that start before `end_s`; at least one."""
    end = math.ceil(end_s / timeline.time_base)
    keep = max(1, int(np.searchsorted(timeline.pts, end, side="left")))
    last = int(timeline.pts[keep] - timeline.pts[keep - 1]) if keep < timeline.frames else timeline.last_duration
    return Timeline(
        timeline.time_base,
        timeline.source[:keep],
        timeline.pts[:keep],
        timeline.take[:keep],
        timeline.dub[:keep],
        last,
    )


def _stretched(source: Timeline, sound_s: Fraction) -> Timeline:
    factor = sound_s / source.duration_s
    if not STRETCH_LIMITS[0] <= factor <= STRETCH_LIMITS[1]:
        raise InvalidParameter(
            f"Stretching {float(source.duration_s):.2f} s of video to {float(sound_s):.2f} s of sound would change its "
            "speed more than four-fold."
        )
    scale = factor * source.time_base / STRETCH_TIME_BASE
    ends = [*(int(p) for p in source.pts), int(source.pts[-1]) + source.last_duration]
    pts = np.array([_round_half_up(end * scale) for end in ends])
    return Timeline(STRETCH_TIME_BASE, source.source, pts[:-1], source.take, source.dub, int(pts[-1] - pts[-2]))


def _round_half_up(value: Fraction) -> int:
    return int((2 * value + 1) // 2)
