"""Colours that people come in, and ways between them; sRGB 0…255."""

import numpy as np
from numpy.typing import NDArray

from training.synthetic.canvas import Srgb

SKINS: tuple[Srgb, ...] = (
    (246, 212, 192), (236, 196, 168), (224, 176, 142), (200, 148, 110), (164, 112, 80), (124, 80, 56), (92, 60, 44),
)  # fmt: skip
HAIRS: tuple[Srgb, ...] = (
    (26, 23, 22), (46, 34, 28), (80, 58, 42), (116, 82, 54), (178, 132, 84), (206, 168, 112), (132, 58, 34),
    (150, 148, 146), (214, 210, 204),
)  # fmt: skip
DARK_HAIRS = 3
IRISES: tuple[Srgb, ...] = ((66, 42, 24), (96, 64, 36), (84, 118, 150), (88, 122, 96), (112, 104, 92))


def blended(colours: tuple[Srgb, ...], position: float) -> Srgb:
    """The colour at `position` 0…1 along a row of colours."""
    at = np.linspace(0, 1, len(colours))
    return clipped(np.array([np.interp(position, at, channel) for channel in zip(*colours, strict=True)]))


def jittered(rng: np.random.Generator, colour: Srgb, deviation: float) -> Srgb:
    return clipped(np.array(colour) + deviation * rng.standard_normal(3))


def mixed(first: Srgb, second: Srgb, share: float) -> Srgb:
    return clipped(np.array(first) * (1 - share) + np.array(second) * share)


def scaled(colour: Srgb, factor: float) -> Srgb:
    return clipped(np.array(colour) * factor)


def clipped(colour: NDArray[np.float64]) -> Srgb:
    red, green, blue = (float(value) for value in np.clip(colour, 4, 252))
    return red, green, blue
