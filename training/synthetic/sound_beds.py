"""What lies under a voice: noise, hum, far talk, music. Each bed is float32 [n] at 16 kHz with a mean power of 1."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ

Floats = NDArray[np.float32]


def draw_bed(rng: np.random.Generator, samples: int) -> Floats:
    """A bed of a kind drawn at random."""
    kinds = (white_noise, coloured_noise, hum, babble, music)
    bed = kinds[rng.integers(len(kinds))](rng, samples)
    scaled: Floats = (bed / max(1e-9, float(np.sqrt(np.mean(bed**2))))).astype(np.float32)
    return scaled


def white_noise(rng: np.random.Generator, samples: int) -> Floats:
    return rng.standard_normal(samples, np.float32)


def coloured_noise(rng: np.random.Generator, samples: int) -> Floats:
    """Noise whose power falls by 2 to 7 dB per octave, as in rooms and streets."""
    slope = rng.uniform(0.33, 1.2)
    return shaped(rng.standard_normal(samples, np.float32), lambda hz: (np.maximum(hz, 40) / 1000) ** -slope)


def hum(rng: np.random.Generator, samples: int) -> Floats:
    """Mains at 50 or 60 Hz with harmonics, over some hiss."""
    times_s = np.arange(samples) / SAMPLE_RATE_HZ
    mains_hz = float(rng.choice((50.0, 60.0)))
    sound = 0.1 * rng.standard_normal(samples)
    for harmonic in range(1, 8):
        phase = rng.uniform(0, 2 * np.pi)
        sound += rng.uniform(0, 1) / harmonic * np.sin(2 * np.pi * mains_hz * harmonic * times_s + phase)
    return sound.astype(np.float32)


def babble(rng: np.random.Generator, samples: int) -> Floats:
    """Noise with the long-term spectrum of speech that swells as syllables do, like many people far away."""
    noise = shaped(rng.standard_normal(samples, np.float32), lambda hz: 1 / (1 + (hz / 500) ** 2) * (hz > 80))
    syllables = max(2, samples // (SAMPLE_RATE_HZ // 8))
    swell = np.interp(np.linspace(0, syllables - 1, samples), np.arange(syllables), rng.uniform(0.3, 1.5, syllables))
    return (noise * swell).astype(np.float32)


def music(rng: np.random.Generator, samples: int) -> Floats:
    """Chords and a melody of decaying harmonic tones on a beat."""
    sound = np.zeros(samples)
    root_hz = float(rng.uniform(90, 220))
    beat = int(SAMPLE_RATE_HZ * rng.uniform(0.25, 0.6))
    times_s = np.arange(4 * beat) / SAMPLE_RATE_HZ
    brightness = rng.uniform(0.8, 2.0)
    scale = np.array((0, 2, 4, 5, 7, 9, 11, 12))
    for step, start in enumerate(range(0, samples, beat)):
        semitones = (scale[rng.integers(8)] + 12, *(scale[rng.integers(0, 8, 2)] if step % 4 == 0 else ()))
        for semitone in semitones:
            hz = root_hz * 2 ** (semitone / 12)
            tone = sum(np.sin(2 * np.pi * hz * k * times_s) / k**brightness for k in range(1, 6)) * np.exp(-3 * times_s)
            stop = min(samples, start + len(times_s))
            sound[start:stop] += tone[: stop - start]
    return sound.astype(np.float32)


def shaped(wave: Floats, gain_at: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Floats:
    """The wave with its spectrum multiplied by `gain_at(frequencies in Hz)`."""
    if len(wave) == 0:
        return wave
    hz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ).astype(np.float64)
    return np.fft.irfft(np.fft.rfft(wave) * gain_at(hz).astype(np.float32), len(wave)).astype(np.float32)
