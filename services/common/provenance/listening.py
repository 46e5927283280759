"""What is heard of a carrier's waves in a frame: the picture is taken away as far as possible, the rest is analysed.

Lengths are in units of 1/512 of the frame's shorter side, as in carrier.py; phases are relative to the frame's centre.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.media.planes import Plane
from services.common.provenance.carrier import SHORT_SIDE, TILE

_LONGEST: Final = 1280
"""Of a very long frame only the middle is listened to."""
_PICTURE_SIGMA, _LOUDNESS_SIGMA = 4.0, 3.5
_QUIETEST: Final = 0.25
"""Variance, in squared levels of 8 bits, below which differences are rounding rather than picture."""
_LOUDEST: Final = 2.5
"""Standard deviations of its surroundings beyond which a sample is an edge of the picture."""
_NEIGHBOURS: Final = 17
"""Width, in frequencies of the larger side, over which the noise's spectrum is taken to be flat."""


@dataclass(frozen=True)
class Placement:
    """Where the tiles lie: their size relative to an uncropped frame's, and the phase, in tiles, at the centre."""

    scale_x: float
    scale_y: float
    shift_x: float = 0.0
    shift_y: float = 0.0


def residual(luma: Plane) -> NDArray[np.float32]:
    """The frame at SHORT_SIDE without what is smooth in it, divided by its local strength and clipped."""
    height, width = luma.shape
    scale = SHORT_SIDE / min(height, width)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    samples = luma.astype(np.float32) / (4 if luma.dtype == np.uint16 else 1)
    scaled = cv2.resize(samples, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    seen = _middle(np.asarray(scaled, np.float32))
    detail = seen - cv2.GaussianBlur(seen, (0, 0), _PICTURE_SIGMA)
    strength = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), _LOUDNESS_SIGMA) + _QUIETEST)
    return np.asarray(np.clip(detail / strength, -_LOUDEST, _LOUDEST), np.float32)


class Spectrum:
    """The waves in a residual (or a sum of residuals), each relative to the noise around its frequency."""

    def __init__(self, heard: NDArray[np.float32]) -> None:
        self._heard = heard
        height, width = heard.shape
        rows, columns = (2 * cv2.getOptimalDFTSize(side) for side in (height, width))
        spectrum = np.fft.fft2(heard, (rows, columns)).astype(np.complex64)
        spectrum *= _turned(rows, height)[:, None] * _turned(columns, width)
        power = (spectrum * spectrum.conj()).real
        widest = max(rows, columns)
        around = tuple(_NEIGHBOURS * side // widest | 1 for side in (columns, rows))
        self._noise = np.sqrt(cv2.blur(power, around)) + np.float32(1e-6)
        self._whitened = spectrum / self._noise

    def near(
        self, across: NDArray[np.int64], down: NDArray[np.int64], scale_x: float, scale_y: float
    ) -> NDArray[np.complex64]:
        """The waves with these numbers of periods per tile, at the nearest frequencies that were analysed: fast."""
        return self._whitened[self._bins(across, down, scale_x, scale_y)]

    def at(self, across: NDArray[np.int64], down: NDArray[np.int64], placement: Placement) -> NDArray[np.complex64]:
        """The waves with these numbers of periods per tile as they left the tile's corner, exactly."""
        height, width = self._heard.shape
        numbers_x, column = np.unique(across, return_inverse=True)
        numbers_y, row = np.unique(down, return_inverse=True)
        columns = _waves(width, numbers_x / (TILE * placement.scale_x))
        rows = _waves(height, numbers_y / (TILE * placement.scale_y))
        waves = ((self._heard @ columns.real + 1j * (self._heard @ columns.imag)).T @ rows)[column, row]
        noise = self._noise[self._bins(across, down, placement.scale_x, placement.scale_y)]
        turn = np.exp(-2j * np.pi * (across * placement.shift_x + down * placement.shift_y))
        return np.asarray(waves / noise * turn, np.complex64)

    def _bins(
        self, across: NDArray[np.int64], down: NDArray[np.int64], scale_x: float, scale_y: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows, columns = self._noise.shape
        row = np.rint(down * (rows / TILE / scale_y)).astype(np.int64) % rows
        column = np.rint(across * (columns / TILE / scale_x)).astype(np.int64) % columns
        return row, column


def _middle(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = seen.shape
    top, left = max(0, height - _LONGEST) // 2, max(0, width - _LONGEST) // 2
    return seen[top : height - top, left : width - left]


def _turned(frequencies: int, length: int) -> NDArray[np.complex64]:
    """Moves the origin of phases from the first sample to the centre."""
    turns: NDArray[np.complex64] = np.exp(1j * np.pi * (length - 1) * np.fft.fftfreq(frequencies)).astype(np.complex64)
    return turns


def _waves(length: int, frequencies: NDArray[np.float64]) -> NDArray[np.complex64]:
    """exp(−2πi·frequency·x), x counted from the centre, [length, frequencies]."""
    from_centre = np.arange(length) - (length - 1) / 2
    return np.asarray(np.exp(-2j * np.pi * np.outer(from_centre, frequencies)), np.complex64)
