import numpy as np
import pytest

from training.synthetic.visemes import ARTICULATIONS, REST, Segment, viseme_track


@pytest.mark.parametrize("consonant", ["m", "b", "p"])
@pytest.mark.parametrize("duration_s", [0.03, 0.08])
def test_lips_close_between_vowels_however_short_the_consonant(consonant: str, duration_s: float) -> None:
    end_s = 0.2 + duration_s
    segments = [_segment(0, 0.2, "a"), _segment(0.2, end_s, consonant), _segment(end_s, 0.5, "a")]

    opening = viseme_track(segments, 50)[:, 0]

    assert opening[20 : round(100 * end_s)].max() < 0.01
    assert opening[[10, 40]].min() > 0.8


def test_a_long_vowel_reaches_its_own_shape() -> None:
    track = viseme_track([_segment(0.2, 0.8, "u")], 100)

    np.testing.assert_allclose(track[50], _shape("u"), atol=1e-3)


def test_neighbours_blend_without_a_jump() -> None:
    track = viseme_track([_segment(0, 0.5, "i"), _segment(0.5, 1, "u")], 100)

    assert np.abs(np.diff(track, axis=0)).max() < 0.15
    assert 0.2 < track[50, 2] < 0.8


def test_the_mouth_rests_where_nothing_is_said() -> None:
    track = viseme_track([_segment(0.5, 0.8, "a")], 200)

    np.testing.assert_allclose(track[[0, 30, 110, 199]], np.tile([REST.open, REST.wide, REST.round], (4, 1)), atol=1e-6)


def test_segments_past_the_end_are_cut_off() -> None:
    track = viseme_track([_segment(0.1, 0.3, "a"), _segment(0.3, 0.4, "m"), _segment(2, 3, "b")], 20)

    assert track.shape == (20, 3)
    assert track[15, 0] > 0.5


def test_every_articulation_lies_between_0_and_1() -> None:
    shapes = np.array([(one.open, one.wide, one.round) for one in ARTICULATIONS.values()])

    assert shapes.min() >= 0
    assert shapes.max() <= 1


def _segment(start_s: float, end_s: float, symbol: str) -> Segment:
    return Segment(start_s, end_s, ARTICULATIONS[symbol])


def _shape(symbol: str) -> tuple[float, float, float]:
    one = ARTICULATIONS[symbol]
    return one.open, one.wide, one.round
