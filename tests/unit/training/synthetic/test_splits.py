from itertools import product

import pytest

from training.synthetic.splits import Split, identity_rng, voice_rng

SPLITS: tuple[Split, ...] = ("train", "validation", "held_out")


def test_a_person_is_the_same_every_time():
    first, again = (identity_rng("train", 7).random(5).tolist() for _ in range(2))

    assert first == again


def test_no_two_people_or_voices_share_a_generator():
    seeds = {
        make(split, index).integers(2**63)
        for make, split, index in product((identity_rng, voice_rng), SPLITS, range(200))
    }

    assert len(seeds) == 2 * len(SPLITS) * 200


def test_a_split_that_does_not_exist_has_nobody():
    with pytest.raises(KeyError):
        identity_rng("test", 0)
