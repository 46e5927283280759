from typing import get_args

import numpy as np

from training.synthetic.identity import Glasses, HairStyle, Identity, draw_identity
from training.synthetic.splits import identity_rng


def people(count: int) -> list[Identity]:
    return [draw_identity(identity_rng("train", index)) for index in range(count)]


def test_the_same_generator_draws_the_same_person():
    assert draw_identity(np.random.default_rng(3)) == draw_identity(np.random.default_rng(3))
    assert draw_identity(np.random.default_rng(3)) != draw_identity(np.random.default_rng(4))


def test_skin_ranges_from_very_dark_to_very_light_without_a_gap():
    brightness = np.sort([np.mean(person.skin) for person in people(300)])

    assert brightness[0] < 75
    assert brightness[-1] > 205
    assert np.diff(brightness).max() < 12


def test_every_hair_style_and_kind_of_glasses_occurs():
    drawn = people(300)

    assert {person.hair for person in drawn} == set(get_args(HairStyle))
    assert {person.glasses for person in drawn} == set(get_args(Glasses))
    assert 0 < sum(person.beard > 0 for person in drawn) < 100


def test_features_lie_in_the_order_of_a_face():
    for person in people(300):
        lips = person.mouth_y - person.lip_upper, person.mouth_y + person.lip_lower

        assert person.hairline_y < person.eye_y - person.brow_y < person.eye_y < person.nose_y < lips[0]
        assert lips[1] < person.chin_y - 0.1
        assert person.eye_x - person.eye_width / 2 > 0.1


def test_lips_are_less_green_than_the_skin_around_them():
    for person in people(300):
        assert person.lip_colour[1] / person.lip_colour[0] < 0.97 * person.skin[1] / person.skin[0]
