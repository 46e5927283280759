"""The mel spectrogram that StableSyncNet hears (Wav2Lip's; latentsync.md §9)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ

HOP_SAMPLES = 200
FRAMES_PER_S = SAMPLE_RATE_HZ // HOP_SAMPLES
MEL_BANDS = 80

_WINDOW_SAMPLES = 800
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 7600.0
_PRE_EMPHASIS = 0.97
_FLOOR = 1e-5
_REFERENCE_DB = 20.0
_RANGE_DB = 100.0
_LIMIT = 4.0
_BLOCK_FRAMES = 2000

_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
_HZ_PER_MEL = _KNEE_HZ / _KNEE_MEL
_LOG_STEP = np.log(6.4) / 27


def sync_mel(pcm_int16: NDArray[np.int16]) -> NDArray[np.float32]:
    """Normalised mel spectrogram at 80 frames per second, clipped to ±4.

    Pre-emphasis 0.97, magnitudes of centred Hann windows of 50 ms every 12.5 ms (zeros beyond the ends), 80 Slaney
    bands from 55 to 7600 Hz, decibels − 20, 100 dB onto 8 units.

    Args:
        pcm_int16: [n] mono samples at 16 kHz.

    Returns:
        float32 [80, n // 200 + 1].
    """
    frames = len(pcm_int16) // HOP_SAMPLES + 1
    padded = np.zeros(len(pcm_int16) + _WINDOW_SAMPLES, np.float32)
    emphasised = padded[_WINDOW_SAMPLES // 2 :][: len(pcm_int16)]
    emphasised[:] = pcm_int16 * np.float32(1 / 32768)
    emphasised[1:] -= pcm_int16[:-1] * np.float32(_PRE_EMPHASIS / 32768)
    framed = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES]
    window = np.hanning(_WINDOW_SAMPLES + 1)[:-1]
    mel = np.empty((MEL_BANDS, frames), np.float32)
    for start in range(0, frames, _BLOCK_FRAMES):
        block = slice(start, min(start + _BLOCK_FRAMES, frames))
        magnitude = np.abs(np.fft.rfft(framed[block] * window, axis=1))
        level_db = 20 * np.log10(np.maximum(sync_mel_basis() @ magnitude.T, _FLOOR)) - _REFERENCE_DB
        scaled = 2 * _LIMIT * ((level_db + _RANGE_DB) / _RANGE_DB) - _LIMIT
        mel[:, block] = np.clip(scaled, -_LIMIT, _LIMIT)
    return mel


@cache
def sync_mel_basis() -> NDArray[np.float64]:
    """float64 [80, 401]: triangles of equal area between 55 and 7600 Hz, band × bin of an 800-sample transform."""
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, _WINDOW_SAMPLES // 2 + 1)
    # On Slaney's scale, linear up to the knee and then 27 bands for each factor of 6.4.
    lowest, highest = _LOWEST_HZ / _HZ_PER_MEL, _KNEE_MEL + np.log(_HIGHEST_HZ / _KNEE_HZ) / _LOG_STEP
    mel = np.linspace(lowest, highest, MEL_BANDS + 2)
    edges_hz = np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL)))
    rising = (bins_hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz) / np.diff(edges_hz)[1:, None]
    area = (edges_hz[2:] - edges_hz[:-2]) / 2
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) / area[:, None])
