"""Mel cepstrum as SyncNet was trained with it: the defaults of python_speech_features."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ

HOP_SAMPLES = 160
COEFFICIENTS = 13

_WINDOW_SAMPLES = 400
_TRANSFORM = 512
_BANDS = 26
_PRE_EMPHASIS = 0.97
_LIFTER = 22
_BLOCK_FRAMES = 4000
_FLOOR = float(np.finfo(np.float64).eps)


def mfcc(pcm_int16: NDArray[np.int16]) -> NDArray[np.float64]:
    """13 coefficients at 100 frames per second; the first is the log of the frame's energy.

    Pre-emphasis 0.97; rectangular windows of 25 ms every 10 ms, the last one filled with zeros; 26 mel bands
    (2595·log10(1 + f/700)) up to 8 kHz; orthonormal cosine transform; sine lifter of 22.

    Args:
        pcm_int16: [n] mono samples at 16 kHz, n ≥ 1.

    Returns:
        float64 [1 + ceil((n − 400) / 160), 13]; one frame for fewer than 400 samples.
    """
    frames = 1 + max(0, -(-(len(pcm_int16) - _WINDOW_SAMPLES) // HOP_SAMPLES))
    padded = np.zeros((frames - 1) * HOP_SAMPLES + _WINDOW_SAMPLES)
    used = min(len(pcm_int16), len(padded))
    padded[:used] = pcm_int16[:used]
    padded[1:used] -= _PRE_EMPHASIS * pcm_int16[: used - 1]
    framed = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES]
    coefficients = np.empty((frames, COEFFICIENTS))
    for start in range(0, frames, _BLOCK_FRAMES):
        block = slice(start, start + _BLOCK_FRAMES)
        power = np.abs(np.fft.rfft(framed[block], _TRANSFORM)) ** 2 / _TRANSFORM
        bands = np.log(np.maximum(power @ _triangles().T, _FLOOR))
        coefficients[block] = bands @ _cosines_and_lifter().T
        coefficients[block, 0] = np.log(np.maximum(power.sum(axis=1), _FLOOR))
    return coefficients


@cache
def _triangles() -> NDArray[np.float64]:
    """[26, 257]: triangles between transform bins, equally spaced on the mel scale and rounded down."""
    highest_mel = 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, highest_mel, _BANDS + 2) / 2595) - 1)
    edges = np.floor((_TRANSFORM + 1) * edges_hz / SAMPLE_RATE_HZ)
    bins = np.arange(_TRANSFORM // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


@cache
def _cosines_and_lifter() -> NDArray[np.float64]:
    """[13, 26]: the cosine transform's first rows, each scaled by the lifter."""
    order = np.arange(COEFFICIENTS)[:, None]
    cosines = np.cos(np.pi * order * (np.arange(_BANDS) + 0.5) / _BANDS) * np.sqrt(2 / _BANDS)
    cosines[0] /= np.sqrt(2)
    return np.asarray(cosines * (1 + _LIFTER / 2 * np.sin(np.pi * order / _LIFTER)))
