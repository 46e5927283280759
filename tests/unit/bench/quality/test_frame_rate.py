import numpy as np

from bench.quality.frame_rate import nearest_frames, ticks_of_frames


def test_25_fps_frames_are_the_clocks_own() -> None:
    ticks = ticks_of_frames(np.arange(10) / 25, 0.4)

    assert [list(moments) for moments in ticks] == [[index] for index in range(10)]


def test_a_slower_video_repeats_frames_and_a_faster_one_skips_some() -> None:
    slower = ticks_of_frames(np.arange(5) / 12.5, 0.4)
    faster = ticks_of_frames(np.arange(20) / 50, 0.4)

    assert [len(moments) for moments in slower] == [2, 2, 2, 2, 2]
    assert [len(moments) for moments in faster] == [1, 0] * 10


def test_every_moment_is_shown_once_and_in_order_whatever_the_times() -> None:
    times_s = np.cumsum(np.random.default_rng(0).uniform(0.005, 0.12, 80))

    ticks = ticks_of_frames(times_s, float(times_s[-1]))

    assert [tick for moments in ticks for tick in moments] == list(range(round(times_s[-1] * 25)))


def test_the_nearest_frame_is_the_one_before_or_after() -> None:
    frames = nearest_frames(np.array([0.0, 0.1, 0.2]), np.array([-1, 0.04, 0.05, 0.06, 9]))

    assert frames.tolist() == [0, 0, 0, 1, 2]
