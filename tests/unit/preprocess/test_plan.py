from fractions import Fraction

import numpy as np
import pytest

from services.common.errors import InvalidParameter
from services.common.messages import Span
from services.preprocess.plan import (
    Timeline,
    Window,
    Windows,
    at_constant_rate,
    first_descent,
    fitted,
    segment_bounds,
    source_timeline,
    with_segments,
)

TICK = Fraction(1, 1000)


def source(*timestamps_ms: int, last_ms: int = 40) -> Timeline:
    return source_timeline(np.array(timestamps_ms), last_ms, TICK)


def at_25_fps(frames: int) -> Timeline:
    return source(*range(0, 40 * frames, 40))


def test_cut_ends_with_a_shorter_sound() -> None:
    timeline = fitted(at_25_fps(10), Fraction(1, 10), "cut")

    assert timeline.source.tolist() == [0, 1, 2]
    assert timeline.duration_s == Fraction(120, 1000)


def test_cut_ends_with_a_shorter_video() -> None:
    assert fitted(at_25_fps(10), Fraction(5), "cut").frames == 10


def test_a_frame_that_starts_as_the_sound_ends_is_not_shown() -> None:
    assert fitted(at_25_fps(10), Fraction(80, 1000), "cut").source.tolist() == [0, 1]


def test_a_sound_shorter_than_a_frame_still_shows_one() -> None:
    assert fitted(at_25_fps(10), Fraction(1, 1000), "bounce").frames == 1


def test_loop_starts_again_as_a_new_take() -> None:
    timeline = fitted(at_25_fps(3), Fraction(280, 1000), "loop")

    assert timeline.source.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert timeline.take.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert timeline.pts.tolist() == list(range(0, 280, 40))


def test_bounce_turns_without_a_new_take() -> None:
    timeline = fitted(at_25_fps(3), Fraction(280, 1000), "bounce")

    assert timeline.source.tolist() == [0, 1, 2, 2, 1, 0, 0]
    assert set(timeline.take.tolist()) == {0}


def test_bounce_keeps_each_frames_own_duration() -> None:
    timeline = fitted(source(0, 10, 40, last_ms=60), Fraction(300, 1000), "bounce")

    assert timeline.source.tolist() == [0, 1, 2, 2, 1, 0, 0, 1, 2]
    durations = np.diff(timeline.pts, append=300).tolist()
    assert durations == [10, 30, 60, 60, 30, 10, 10, 30, 60]


def test_silence_keeps_the_whole_video() -> None:
    assert fitted(at_25_fps(10), Fraction(1, 10), "silence").frames == 10
    assert fitted(at_25_fps(10), Fraction(10), "silence").frames == 10


def test_stretch_gives_every_frame_more_time() -> None:
    timeline = fitted(at_25_fps(10), Fraction(6, 10), "stretch")

    assert timeline.frames == 10
    assert timeline.duration_s == Fraction(6, 10)
    assert (timeline.pts * float(timeline.time_base)).tolist() == pytest.approx(np.arange(10) * 0.06)


def test_an_absurd_stretch_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="four-fold"):
        fitted(at_25_fps(10), Fraction(60), "stretch")


def test_constant_rate_repeats_and_drops_frames() -> None:
    slow = at_constant_rate(source(0, 80, 160, last_ms=80), 25)
    fast = at_constant_rate(source(*range(0, 200, 20), last_ms=20), 25)

    assert slow.source.tolist() == [0, 0, 1, 1, 2, 2]
    assert fast.frames == 5
    assert (np.diff(fast.source) == 2).all()


def test_constant_rate_leaves_a_video_of_that_rate_alone() -> None:
    assert at_constant_rate(at_25_fps(7), 25).source.tolist() == list(range(7))


def test_only_frames_in_a_segment_are_dubbed() -> None:
    timeline = with_segments(at_25_fps(10), [Span(start_s=0.08, end_s=0.16), Span(start_s=0.32, end_s=9.0)])

    assert np.flatnonzero(timeline.dub).tolist() == [2, 3, 8, 9]


def test_segments_beyond_the_end_are_refused() -> None:
    with pytest.raises(InvalidParameter):
        with_segments(at_25_fps(10), [Span(start_s=5.0, end_s=6.0)])


def test_first_descent_is_where_the_video_goes_back() -> None:
    assert first_descent(fitted(at_25_fps(3), Fraction(1), "bounce")) == 4
    assert first_descent(fitted(at_25_fps(3), Fraction(1), "loop")) == 3
    assert first_descent(at_25_fps(3)) == 3


def test_segments_are_about_ten_seconds() -> None:
    assert segment_bounds(at_25_fps(600)).tolist() == [0, 250, 500, 600]
    assert segment_bounds(at_25_fps(3)).tolist() == [0, 3]
    assert segment_bounds(source(0, 25_000)).tolist() == [0, 1, 2]


def windows_of(runs: list[object], full_tail: bool) -> list[Window[int]]:
    windows = Windows[int](full_tail)
    found = [window for index, run in enumerate(runs) for window in windows.push(index, run)]
    return found + list(windows.close())


def test_windows_never_mix_runs() -> None:
    windows = windows_of(["a"] * 20 + ["b"] * 5 + [None] * 3 + ["b"] * 2, full_tail=False)

    assert [window.frames for window in windows] == [
        tuple(range(16)),
        tuple(range(16, 20)),
        tuple(range(20, 25)),
        (28, 29),
    ]


def test_a_full_tail_reaches_back_over_frames_already_done() -> None:
    windows = windows_of(["a"] * 20, full_tail=True)

    assert windows[1] == Window(tuple(range(4, 20)), context=12)


def test_a_run_shorter_than_a_window_stays_short() -> None:
    assert windows_of(["a"] * 16 + ["b"] * 5, full_tail=True)[1] == Window(tuple(range(16, 21)))


@pytest.mark.parametrize("frames", [1, 15, 16, 17, 33, 48])
@pytest.mark.parametrize("full_tail", [False, True])
def test_every_frame_is_delivered_exactly_once(frames: int, full_tail: bool) -> None:
    windows = windows_of(["a"] * frames, full_tail)

    assert [frame for window in windows for frame in window.frames[window.context :]] == list(range(frames))
