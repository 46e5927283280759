"""Whisper's log-mel front end."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
HOP_SAMPLES = 160
MEL_BANDS = 80

_WINDOW_SAMPLES = 400
_BLOCK_FRAMES = 2000
_POWER_FLOOR = 1e-10
_RANGE_LOG10 = 8.0


def log_mel(pcm_int16: NDArray[np.int16]) -> NDArray[np.float32]:
    """Normalised log-mel spectrogram at 100 frames per second.

    Short-time power spectrum (reflected ends, periodic Hann window of 25 ms, hop 10 ms), Slaney mel bands, log10,
    then everything below the whole signal's maximum − 8 is raised to it and the result is scaled to (x + 4) / 4.
    Works through the signal in blocks: beside the result and one padded copy of the samples, memory is constant.

    Args:
        pcm_int16: [n] mono samples at 16 kHz.

    Returns:
        float32 [80, n // 160].
    """
    frames = len(pcm_int16) // HOP_SAMPLES
    mel = np.empty((MEL_BANDS, frames), np.float32)
    if frames == 0:
        return mel
    padded = np.pad(pcm_int16, _WINDOW_SAMPLES // 2, mode="reflect")
    framed = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES]
    # Scaling to ±1 commutes with the transform; float64 keeps quiet bands next to loud ones exact.
    window = np.hanning(_WINDOW_SAMPLES + 1)[:-1] / 32768
    filterbank = mel_filterbank().astype(np.float64)
    for start in range(0, frames, _BLOCK_FRAMES):
        stop = min(start + _BLOCK_FRAMES, frames)
        spectrum = np.fft.rfft(framed[start:stop] * window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        mel[:, start:stop] = np.log10(np.maximum(filterbank @ power.T, _POWER_FLOOR))
    np.maximum(mel, mel.max() - _RANGE_LOG10, out=mel)
    mel += 4
    mel /= 4
    return mel


@cache
def mel_filterbank() -> NDArray[np.float32]:
    """Triangular bands of equal area, equally spaced on Slaney's mel scale (Auditory Toolbox, 1998) from 0 to 8 kHz.

    Returns:
        float32 [80, 201], band × frequency bin of a 400-sample transform at 16 kHz; read-only.
    """
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, _WINDOW_SAMPLES // 2 + 1)
    edges_hz = _mel_to_hz(np.linspace(0, _hz_to_mel(SAMPLE_RATE_HZ / 2), MEL_BANDS + 2))
    widths_hz = np.diff(edges_hz)
    rising = (bins_hz - edges_hz[:-2, None]) / widths_hz[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz) / widths_hz[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    area = (edges_hz[2:] - edges_hz[:-2]) / 2
    filterbank = (triangles / area[:, None]).astype(np.float32)
    filterbank.flags.writeable = False
    return filterbank


# Slaney's scale: linear at 200/3 Hz per mel up to 1 kHz (mel 15), then 27 mels for each factor of 6.4.
_HZ_PER_MEL = 200 / 3
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return hz / _HZ_PER_MEL if hz < _KNEE_HZ else float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL)))
