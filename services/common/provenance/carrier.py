"""The pattern that carries a payload: a tile, repeated over the frame, made of waves whose phases are the message.

The tile's side is a quarter of the frame's shorter one, so the pattern scales with the picture. Its spectrum lies at
multiples of one over that side. Some of these waves (pilots) have phases that every reader knows: they tell where the
tiles lie and how large they are. The others carry two coded bits each, as the signs of their real and imaginary parts.

Lengths are in units of 1/512 of the frame's shorter side.
"""

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.provenance.codeword import CODED_BITS, encode_payload

SHORT_SIDE: Final = 512
TILE: Final = 128
LOWEST, HIGHEST = 5, 18
"""Waves per tile. Slower ones drown in the picture, faster ones are lost where it is halved and compressed."""
_PILOT_SHARE: Final = 5
"""One wave in this many is a pilot."""
_PEAK: Final = 2.2
"""Where the pattern is clipped, in standard deviations: the energy is needed everywhere, not in a few peaks."""


@dataclass(frozen=True, eq=False)
class Carrier:
    """The waves, as (across, down) numbers of periods per tile; of each pair of opposite waves only one."""

    pilots_across: NDArray[np.int64]
    pilots_down: NDArray[np.int64]
    pilots: NDArray[np.complex64]
    """What the pilots are, of magnitude 1."""
    data_across: NDArray[np.int64]
    data_down: NDArray[np.int64]
    scramble: NDArray[np.float32]
    """Signs by which coded bits are multiplied, [2·data]."""
    bit_of: NDArray[np.int64]
    """Which coded bit each real or imaginary part carries, [2·data], real parts first."""


@cache
def carrier() -> Carrier:
    across, down = (part.ravel() for part in np.meshgrid(np.arange(-HIGHEST, HIGHEST + 1), np.arange(HIGHEST + 1)))
    radius = np.hypot(across, down)
    used = (radius >= LOWEST) & (radius <= HIGHEST) & ((down > 0) | (across > 0))
    order = np.flatnonzero(used)[_shuffled("waves", int(used.sum()))]
    pilots, data = np.split(order, [len(order) // _PILOT_SHARE])
    parts = 2 * len(data)
    return Carrier(
        pilots_across=across[pilots],
        pilots_down=down[pilots],
        pilots=np.exp(2j * np.pi * _draws("pilots", len(pilots)) / 2**32).astype(np.complex64),
        data_across=across[data],
        data_down=down[data],
        scramble=(1 - 2.0 * (_draws("signs", parts) % 2)).astype(np.float32),
        bit_of=_shuffled("bits", parts) % CODED_BITS,
    )


def carried_bits(payload: int) -> NDArray[np.float32]:
    """The coded bit in each real and imaginary part of the data waves, [2·data] of ±1."""
    return encode_payload(payload)[carrier().bit_of]


@lru_cache(maxsize=2)
def pattern(payload: int, width: int, height: int) -> NDArray[np.float32]:
    """The pattern for a whole frame, height×width, of mean square 1 and magnitude below 2.5. Not to be changed."""
    waves = carrier()
    spectrum = np.zeros((HIGHEST + 1, 2 * HIGHEST + 1), np.complex64)
    spectrum[waves.pilots_down, waves.pilots_across + HIGHEST] = waves.pilots
    real, imaginary = np.split(carried_bits(payload) * waves.scramble, 2)
    spectrum[waves.data_down, waves.data_across + HIGHEST] = (real + 1j * imaginary) / np.sqrt(2)
    tile_px = TILE * min(width, height) / SHORT_SIDE
    rows = _phasors(height, np.arange(HIGHEST + 1), tile_px)
    columns = _phasors(width, np.arange(-HIGHEST, HIGHEST + 1), tile_px)
    mixed = rows @ spectrum
    drawn = mixed.real @ columns.real.T - mixed.imag @ columns.imag.T
    drawn /= drawn.std()
    np.clip(drawn, -_PEAK, _PEAK, out=drawn)
    drawn /= drawn.std()
    drawn.flags.writeable = False
    return np.asarray(drawn, np.float32)


def _phasors(length_px: int, waves: NDArray[np.int64], tile_px: float) -> NDArray[np.complex64]:
    """exp(2πi·wave·x/tile) at the centres of pixels, [length, waves]."""
    return np.exp(2j * np.pi * np.outer(np.arange(length_px) + 0.5, waves) / tile_px).astype(np.complex64)


def _shuffled(purpose: str, count: int) -> NDArray[np.int64]:
    """0 … count − 1 in an order that is the same for ever."""
    return np.argsort(_draws(purpose, count), kind="stable")


def _draws(purpose: str, count: int) -> NDArray[np.int64]:
    """Numbers below 2³² from a hash, so that no library's generator decides whether an old mark can still be read."""
    drawn = hashlib.shake_128(f"lipstage watermark 1: {purpose}".encode()).digest(4 * count)
    return np.frombuffer(drawn, "<u4").astype(np.int64)
