"""What the mouth does for each sound of speech: three numbers per phoneme, blended into tracks at 100 Hz."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VISEME_RATE_HZ = 100


@dataclass(frozen=True)
class Articulation:
    """The lips, each 0…1: how far they are apart, drawn to the sides, pushed forward into a ring."""

    open: float
    wide: float
    round: float = 0.0


@dataclass(frozen=True)
class Segment:
    """One phoneme of an utterance. Between segments the mouth rests."""

    start_s: float
    end_s: float
    articulation: Articulation


@dataclass(frozen=True)
class Utterance:
    """Speech whose timing is known: float32 [n] at 16 kHz, and its phonemes in order of time."""

    wave: NDArray[np.float32]
    segments: tuple[Segment, ...]


REST = Articulation(0.0, 0.35, 0.0)

ARTICULATIONS: dict[str, Articulation] = {
    "a": Articulation(1.0, 0.45), "ɑ": Articulation(1.0, 0.35), "ɒ": Articulation(0.85, 0.2, 0.35),
    "æ": Articulation(0.85, 0.7), "ɐ": Articulation(0.75, 0.45), "ʌ": Articulation(0.7, 0.4),
    "ɛ": Articulation(0.65, 0.7), "e": Articulation(0.5, 0.8), "ɜ": Articulation(0.45, 0.35, 0.2),
    "ə": Articulation(0.4, 0.4, 0.1), "ɚ": Articulation(0.35, 0.3, 0.3), "ɤ": Articulation(0.45, 0.4),
    "ɪ": Articulation(0.32, 0.8), "i": Articulation(0.24, 1.0), "ɨ": Articulation(0.26, 0.7),
    "ɯ": Articulation(0.25, 0.6), "ᵻ": Articulation(0.28, 0.7), "y": Articulation(0.2, 0.1, 0.95),
    "ʏ": Articulation(0.28, 0.15, 0.8), "ø": Articulation(0.42, 0.2, 0.75), "œ": Articulation(0.55, 0.25, 0.6),
    "ɔ": Articulation(0.7, 0.2, 0.55), "o": Articulation(0.55, 0.1, 0.75), "ʊ": Articulation(0.3, 0.1, 0.8),
    "u": Articulation(0.22, 0.0, 1.0), "ʉ": Articulation(0.22, 0.05, 0.9),
    "m": Articulation(0.0, 0.35, 0.1), "b": Articulation(0.0, 0.35, 0.1), "p": Articulation(0.0, 0.35, 0.1),
    "ɱ": Articulation(0.05, 0.45), "f": Articulation(0.05, 0.5), "v": Articulation(0.05, 0.5),
    "ʋ": Articulation(0.1, 0.4), "β": Articulation(0.06, 0.4, 0.1),
    "w": Articulation(0.14, 0.0, 1.0), "ʍ": Articulation(0.14, 0.0, 1.0), "ɥ": Articulation(0.15, 0.1, 0.9),
    "s": Articulation(0.12, 0.75), "z": Articulation(0.12, 0.7), "ʃ": Articulation(0.18, 0.2, 0.6),
    "ʒ": Articulation(0.18, 0.2, 0.6), "ɕ": Articulation(0.16, 0.5, 0.2), "ʑ": Articulation(0.16, 0.5, 0.2),
    "ʂ": Articulation(0.18, 0.3, 0.45), "ʐ": Articulation(0.18, 0.3, 0.45), "θ": Articulation(0.18, 0.45),
    "ð": Articulation(0.18, 0.45), "t": Articulation(0.16, 0.5), "d": Articulation(0.16, 0.5),
    "ʈ": Articulation(0.16, 0.5), "ɖ": Articulation(0.16, 0.5), "c": Articulation(0.2, 0.6),
    "ɟ": Articulation(0.2, 0.6), "n": Articulation(0.18, 0.5), "ɲ": Articulation(0.2, 0.6),
    "ŋ": Articulation(0.25, 0.45), "ɳ": Articulation(0.18, 0.5), "l": Articulation(0.32, 0.45),
    "ɫ": Articulation(0.32, 0.4, 0.1), "ʎ": Articulation(0.28, 0.6), "ɬ": Articulation(0.28, 0.5),
    "r": Articulation(0.28, 0.4, 0.1), "ɾ": Articulation(0.26, 0.45), "ɹ": Articulation(0.25, 0.2, 0.45),
    "ɻ": Articulation(0.25, 0.2, 0.45), "ʁ": Articulation(0.32, 0.4), "ʀ": Articulation(0.32, 0.4),
    "k": Articulation(0.25, 0.45), "ɡ": Articulation(0.25, 0.45), "q": Articulation(0.28, 0.45),
    "x": Articulation(0.3, 0.45), "ç": Articulation(0.24, 0.7), "ɣ": Articulation(0.3, 0.45),
    "χ": Articulation(0.32, 0.45), "j": Articulation(0.22, 0.85), "h": Articulation(0.4, 0.4),
    "ɦ": Articulation(0.4, 0.4), "ħ": Articulation(0.4, 0.4), "ʔ": Articulation(0.3, 0.4),
}  # fmt: skip
"""By sign of the International Phonetic Alphabet. Where lips meet (`m b p`) or touch the teeth (`f v`) they must."""

_SMOOTHING_S = (0.028, 0.04, 0.045)
"""Standard deviations for open, wide, round: rounding and spreading begin earlier than the jaw moves."""
_CONTACT_OPEN = 0.1
_RELEASE_S = 0.06


def viseme_track(segments: Iterable[Segment], frames_100hz: int) -> NDArray[np.float32]:
    """Blends articulations over time without losing the closures.

    Every phoneme colours its neighbours (a Gaussian mean), but where the lips make contact the opening may exceed the
    phoneme's own only gradually, with the distance from it: m, b and p close between vowels however short they are.

    Returns:
        float32 [frames_100hz, 3]: open, wide, round in 0…1 at times i / 100 s.
    """
    segments = tuple(segments)
    track = np.tile(_values(REST), (frames_100hz, 1))
    for segment in segments:
        track[_index(segment.start_s) : _index(segment.end_s)] = _values(segment.articulation)
    for axis, deviation_s in enumerate(_SMOOTHING_S):
        track[:, axis] = _smoothed(track[:, axis], deviation_s * VISEME_RATE_HZ)
    for segment in segments:
        if segment.articulation.open <= _CONTACT_OPEN:
            _hold_contact(track[:, 0], segment)
    return track.astype(np.float32)


def _values(articulation: Articulation) -> NDArray[np.float64]:
    return np.array((articulation.open, articulation.wide, articulation.round))


def _index(time_s: float) -> int:
    return max(0, round(time_s * VISEME_RATE_HZ))


def _smoothed(values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    reach = round(3 * deviation)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def _hold_contact(opening: NDArray[np.float64], segment: Segment) -> None:
    first, stop = _index(segment.start_s - _RELEASE_S), _index(segment.end_s + _RELEASE_S) + 1
    times_s = np.arange(first, min(stop, len(opening))) / VISEME_RATE_HZ
    distance_s = np.maximum(0, np.maximum(segment.start_s - times_s, times_s - segment.end_s))
    released = np.clip(distance_s / _RELEASE_S, 0, 1)
    lowest = segment.articulation.open
    limit = lowest + (1 - lowest) * released**2 * (3 - 2 * released)
    np.minimum(opening[first:stop], limit, out=opening[first:stop])
