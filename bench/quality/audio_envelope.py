"""How open a mouth should be, as far as the sound alone tells: the envelope of the band that follows the lips."""

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ

_BAND_HZ = (1000.0, 4000.0)
"""Second and third formant: of all bands their envelope follows the opening most closely (Grant & Seitz, 2000); below
lie the voice's own pitch and most noises of a room."""
_WINDOW_SAMPLES = 400
_HOP_SAMPLES = 80
_BLOCK_FRAMES = 4000
_SMOOTHING_S = 0.025
_TREND_S = 0.7
"""Speech opens and closes the mouth three to seven times a second; smiles and distance to the microphone are slower."""


def speech_envelope(pcm_int16: NDArray[np.int16], times_s: NDArray[np.floating]) -> NDArray[np.float64]:
    """Amplitude of the sound between 1 and 4 kHz at each of the times, smoothed over 25 ms (Gaussian).

    Args:
        pcm_int16: [n] mono samples at 16 kHz.
        times_s: [m].

    Returns:
        float64 [m], ≥ 0, in units of full scale; NaN after the sound has ended.
    """
    moments = len(pcm_int16) // _HOP_SAMPLES + 1
    padded = np.pad(pcm_int16, _WINDOW_SAMPLES // 2)
    framed = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::_HOP_SAMPLES]
    window = np.hanning(_WINDOW_SAMPLES) / (32768 * _WINDOW_SAMPLES)
    bins_hz = np.fft.rfftfreq(_WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)
    band = (bins_hz >= _BAND_HZ[0]) & (bins_hz <= _BAND_HZ[1])
    amplitude = np.empty(moments)
    for start in range(0, moments, _BLOCK_FRAMES):
        block = slice(start, min(start + _BLOCK_FRAMES, moments))
        amplitude[block] = np.linalg.norm(np.fft.rfft(framed[block] * window, axis=1)[:, band], axis=1)
    moment_s = np.arange(moments) * _HOP_SAMPLES / SAMPLE_RATE_HZ
    return np.asarray(np.interp(times_s, moment_s, _smoothed(amplitude), right=np.nan))


def without_trend(curve: NDArray[np.floating], frame_s: float) -> NDArray[np.float64]:
    """The curve less its mean over the 0.7 s around each moment; unknown (NaN) moments stay so and do not count.

    Args:
        curve: [n], a value every `frame_s` seconds.
    """
    kernel = np.ones(2 * round(_TREND_S / frame_s / 2) + 1)
    known = np.isfinite(curve)
    total = _convolved(np.where(known, curve, 0), kernel)
    count = _convolved(known.astype(np.float64), kernel)
    return np.asarray(curve - total / np.maximum(count, 1))


def _smoothed(amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    sigma = _SMOOTHING_S * SAMPLE_RATE_HZ / _HOP_SAMPLES
    reach = round(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return _convolved(amplitude, kernel / kernel.sum())


def _convolved(values: NDArray[np.floating], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """As many values as went in; zeros beyond the ends. The kernel's length is odd."""
    half = len(kernel) // 2
    return np.convolve(values, kernel)[half : half + len(values)]
