import numpy as np
import pytest

from bench.quality.sync_offset import ShiftDistances, sync_score


def test_sound_heard_earlier_than_seen_means_a_late_picture() -> None:
    sound = np.random.default_rng(0).normal(size=(80, 16))
    seen = np.concatenate([sound[:3], sound[:-3]])

    score = sync_score(seen, sound)

    assert score.offset_frames == 3
    assert score.confidence > 3
    assert score.windows == 80


def test_unrelated_sound_gives_little_confidence() -> None:
    noise = np.random.default_rng(1)

    score = sync_score(noise.normal(size=(200, 64)), noise.normal(size=(200, 64)))

    assert score.confidence < 0.5


def test_sound_that_there_is_none_of_does_not_count() -> None:
    distances = ShiftDistances(max_shift_frames=1)
    seen = np.ones((2, 4))
    around = np.zeros((2, 3, 4))
    around[0, 0] = np.nan

    distances.add(seen, around)
    score = distances.score()

    assert score is not None
    assert score.mean_distances == pytest.approx((2, 2, 2), abs=1e-5)


def test_there_is_no_score_without_anything_heard_at_some_shift() -> None:
    distances = ShiftDistances(max_shift_frames=1)
    around = np.zeros((1, 3, 4))
    around[0, 2] = np.nan

    distances.add(np.ones((1, 4)), around)

    assert distances.score() is None
