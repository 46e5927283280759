"""Mono sound at 16 kHz as numbers and as files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ
from services.common.media.writing import new_file


def as_int16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples in −1…1, [n], as 16-bit numbers; what is louder is clipped."""
    return np.asarray(np.rint(samples * 32_767).clip(-32_768, 32_767), np.int16)


def stretch_of(pcm_int16: NDArray[np.int16], start: int, samples: int) -> NDArray[np.int16]:
    """Samples [start, start + samples), silent before the sound's beginning and after its end."""
    inside = pcm_int16[max(start, 0) : max(start + samples, 0)]
    before = min(max(-start, 0), samples)
    return np.pad(inside, (before, samples - before - len(inside)))


def write_wav(path: Path, pcm_int16: NDArray[np.int16]) -> None:
    """Raises DiskFull or OutputUnwritable."""
    with new_file(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(pcm_int16.tobytes())
