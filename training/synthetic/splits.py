"""Who is drawn and who speaks in which split: random generators that no two splits share."""

from typing import Literal

import numpy as np

Split = Literal["train", "validation", "held_out"]

_ROOT_SEED = 20_250
_SPLITS: dict[Split, int] = {"train": 0, "validation": 1, "held_out": 2}
_IDENTITY, _VOICE = 0, 1


def identity_rng(split: Split, index: int) -> np.random.Generator:
    """The generator that person `index` ≥ 0 of the split is drawn from, and everything about the person after that."""
    return _generator(split, _IDENTITY, index)


def voice_rng(split: Split, index: int) -> np.random.Generator:
    """The generator of voice `index` ≥ 0 of the split."""
    return _generator(split, _VOICE, index)


def _generator(split: Split, subject: int, index: int) -> np.random.Generator:
    sequence = np.random.SeedSequence(_ROOT_SEED, spawn_key=(_SPLITS[split], subject, index))
    return np.random.default_rng(sequence)
