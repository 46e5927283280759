"""Finding the tiles of a carrier in what is heard of a frame: their size and where they lie."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.provenance.carrier import carrier
from services.common.provenance.listening import Placement, Spectrum

_SMALLEST, _LARGEST = 0.72, 1.32
"""Tiles grow, relative to the frame, where it is cropped (to 80 %: 1.25), and shrink where it is given a margin."""
_SCALE_STEP: Final = 0.0025
"""Half of it moves waves at the frame's edges by a tenth of the shortest one."""
_MOST_UNEVEN: Final = 1.15
_GRID: Final = 128
"""Places along a tile that are tried: five to the shortest wave."""
_FINER: Final = 4
"""Places tried in the end for each of the first."""
_CLEAR: Final = 6.0
"""How loud the pilots have to be together, in standard deviations: without a mark, the loudest place of a million is
about 5."""
_LOUDEST: Final = 2.0
"""Waves louder than this are the picture's own and count as this."""


def find_tiles(heard: Spectrum) -> Placement | None:
    """Where the tiles lie in frames that were scaled evenly, or None if the pilots are nowhere heard clearly."""
    scales = _scales(_SCALE_STEP)
    return _found(heard, zip(scales, scales, strict=True))


def find_stretched_tiles(heard: Spectrum) -> Placement | None:
    """As `find_tiles`, in frames whose sides were scaled by up to 15 % differently. It takes some seconds."""
    scales = _scales(2 * _SCALE_STEP)
    uneven = ((x, y) for x in scales for y in scales if x / _MOST_UNEVEN < y < x * _MOST_UNEVEN)
    return _found(heard, uneven)


def loudness(heard: Spectrum, placement: Placement) -> float:
    """How loud the pilots are there together, in standard deviations of the noise."""
    return float(np.sum(_pilots(heard, placement).real)) / _deviation()


def _scales(step: float) -> NDArray[np.float64]:
    return np.exp(np.arange(np.log(_SMALLEST) // step, np.log(_LARGEST) // step) * step)


def _found(heard: Spectrum, scales: Iterable[tuple[float, float]]) -> Placement | None:
    found = _loudest(heard, scales)
    return found and _refined(heard, found)


def _loudest(heard: Spectrum, scales: Iterable[tuple[float, float]]) -> Placement | None:
    best, found = _CLEAR, None
    waves = carrier()
    grid = np.zeros((_GRID, _GRID), np.complex64)
    for scale_x, scale_y in scales:
        pilots = heard.near(waves.pilots_across, waves.pilots_down, scale_x, scale_y)
        pilots /= np.maximum(1, np.abs(pilots) / np.float32(_LOUDEST))
        grid[waves.pilots_down, waves.pilots_across % _GRID] = pilots * waves.pilots.conj()
        # The inverse transform turns all pilots back by every shift of the grid at once.
        turned = np.fft.ifft2(grid, norm="forward").real
        place = int(turned.argmax())
        if turned.flat[place] / _deviation() > best:
            best = turned.flat[place] / _deviation()
            shift_y, shift_x = (-index / _GRID for index in divmod(place, _GRID))
            found = Placement(float(scale_x), float(scale_y), shift_x, shift_y)
    return found


def _refined(heard: Spectrum, found: Placement) -> Placement:
    """The placement nearby where the pilots are loudest."""
    factors = np.exp(np.arange(-2, 3) * _SCALE_STEP / 2)
    while True:
        around = [(found.scale_x * x, found.scale_y * y) for x in factors for y in factors]
        _, loudest = max((_shifted(heard, found, *scales) for scales in around), key=lambda pair: pair[0])
        if (loudest.scale_x, loudest.scale_y) == (found.scale_x, found.scale_y):
            return loudest
        found = loudest


def _shifted(heard: Spectrum, found: Placement, scale_x: float, scale_y: float) -> tuple[float, Placement]:
    """The placement of these scales that is loudest within a place of the grid from `found`, and how loud it is."""
    waves = carrier()
    turned = _pilots(heard, Placement(scale_x, scale_y, found.shift_x, found.shift_y))
    steps = np.arange(-_FINER, _FINER + 1) / (_GRID * _FINER)
    across = np.exp(-2j * np.pi * np.outer(steps, waves.pilots_across))
    down = np.exp(-2j * np.pi * np.outer(steps, waves.pilots_down))
    heard_at = ((down * turned) @ across.T).real
    place_y, place_x = divmod(int(heard_at.argmax()), len(steps))
    placement = Placement(
        scale_x, scale_y, float(found.shift_x + steps[place_x]), float(found.shift_y + steps[place_y])
    )
    return float(heard_at.max()), placement


def _pilots(heard: Spectrum, placement: Placement) -> NDArray[np.complex64]:
    """The pilots there, each turned to 1 if it is just as it was sent."""
    waves = carrier()
    return heard.at(waves.pilots_across, waves.pilots_down, placement) * waves.pilots.conj()


def _deviation() -> float:
    return float(np.sqrt(len(carrier().pilots) / 2))
