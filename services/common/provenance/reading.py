"""Reading a watermark out of frames that may have been compressed, scaled and cropped since they were marked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.media.planes import Plane
from services.common.provenance.carrier import carried_bits, carrier
from services.common.provenance.codeword import CODED_BITS, decode_payload
from services.common.provenance.listening import Placement, Spectrum, residual
from services.common.provenance.placement import find_stretched_tiles, find_tiles, loudness

MOST_FRAMES: Final = 64
RUN_FRAMES: Final = 8
_LOUDEST: Final = 3.0
"""Waves louder than this many standard deviations are the picture's own and count as this."""
_FAINTEST_SHARE: Final = 0.1
"""No kind of wave counts less than this share of the average."""


@dataclass(frozen=True)
class Reading:
    """A payload that was found."""

    payload: int
    bit_error_rate: float
    """Share of the carried bits that came out wrong before correction; chance would be 0.5."""
    placement: Placement


def read_watermark(lumas: Iterable[Plane]) -> Reading | None:
    """The payload that frames carry, or None. `lumas` are h×w, all of one size, 8 bits or (uint16) 10.

    At most MOST_FRAMES are read, in runs of eight; one marked run is enough. Unmarked frames are taken for marked
    ones less than once in 10⁶: there are at most ten tries, and the checksum passes one in 2²⁴ by chance.
    """
    runs = _runs(islice(lumas, MOST_FRAMES))
    readings = (_read(_loud_runs(runs, placement), placement) for placement in _placements(runs))
    return next(filter(None, readings), None)


def data_parts(heard: Spectrum, placement: Placement) -> NDArray[np.float32]:
    """What the data waves say of the bits they carry, [2·data], positive for +1.

    Waves count by how well their kind comes through, which is learnt from the pilots.
    """
    waves = carrier()
    pilots = heard.at(waves.pilots_across, waves.pilots_down, placement) * waves.pilots.conj()
    gain = _gain(np.hypot(waves.pilots_across, waves.pilots_down), pilots.real)
    data = heard.at(waves.data_across, waves.data_down, placement)
    data *= gain(np.hypot(waves.data_across, waves.data_down)) / np.maximum(1, np.abs(data) / _LOUDEST)
    return np.asarray(np.concatenate([data.real, data.imag]) * waves.scramble, np.float32)


def _runs(lumas: Iterable[Plane]) -> list[NDArray[np.float32]]:
    runs: list[NDArray[np.float32]] = []
    for count, luma in enumerate(lumas):
        if count % RUN_FRAMES:
            runs[-1] += residual(luma)
        else:
            runs.append(residual(luma))
    return runs


def _placements(runs: Sequence[NDArray[np.float32]]) -> Iterator[Placement]:
    """Where the tiles may lie: by all frames together, by each run, and by all of them if they were stretched."""
    if not runs:
        return
    together = Spectrum(np.sum(runs, axis=0))
    found = find_tiles(together)
    if found:
        yield found
    for run in runs if len(runs) > 1 else ():
        found = find_tiles(Spectrum(run))
        if found:
            yield found
    found = find_stretched_tiles(together)
    if found:
        yield found


def _loud_runs(runs: Sequence[NDArray[np.float32]], placement: Placement) -> Spectrum:
    """All runs together, each counting as much as its pilots are heard: others may not have been dubbed."""
    weights = [max(0.0, loudness(Spectrum(run), placement)) for run in runs]
    return Spectrum(np.sum([weight * run for weight, run in zip(weights, runs, strict=True)], axis=0, dtype=np.float32))


def _read(heard: Spectrum, placement: Placement) -> Reading | None:
    parts = data_parts(heard, placement)
    payload = decode_payload(np.bincount(carrier().bit_of, parts, CODED_BITS).astype(np.float32))
    if payload is None:
        return None
    return Reading(payload, float(np.mean(parts * carried_bits(payload) < 0)), placement)


def _gain(
    radius: NDArray[np.float64], heard: NDArray[np.float32]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """A smooth curve through how loud pilots of each radius, in waves per tile, are."""
    curve = np.polynomial.Polynomial.fit(radius, np.clip(heard, -_LOUDEST, _LOUDEST), deg=2)
    least = _FAINTEST_SHARE * max(float(heard.mean()), 0.0)
    return lambda at: np.maximum(curve(at), least)
