"""Speech from source and filter: a glottal pulse train through a cascade of formant resonators, noise for consonants.

The scheme is Klatt's (JASA 67, 1980), cut down to what a few clear sentences need.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples.phonemes import COMPOSED, SOUNDS, Sound

SAMPLE_RATE_HZ = 48_000
FRAME_S = 0.005
FRAME_SAMPLES = round(SAMPLE_RATE_HZ * FRAME_S)
Track = NDArray[np.float64]


@dataclass(frozen=True)
class Speaker:
    pitch_hz: float
    tract_scale: float
    """Formants are multiplied by this; below 1 the vocal tract is longer than an average woman's."""
    tempo: float
    seed: int


@dataclass(frozen=True)
class Score:
    """Control tracks at one value per `FRAME_S`."""

    pitch_hz: Track
    formants_hz: Track
    voicing: Track
    breath: Track
    hiss: Track
    hiss_hz: Track
    hiss_width_hz: Track
    mouth_open: Track
    spread: Track


def smoothed(track: Track, window_s: float) -> Track:
    """Hann-weighted mean along the first axis; the ends are held."""
    half = max(1, round(window_s / FRAME_S / 2))
    window = np.hanning(2 * half + 3)[1:-1]
    window /= window.sum()
    columns = track.reshape(len(track), -1)
    padded = np.pad(columns, ((half, half), (0, 0)), mode="edge")
    out = np.stack([np.convolve(column, window, mode="valid") for column in padded.T], 1)
    return out.reshape(track.shape)


def score(text: str, speaker: Speaker) -> Score:
    """Turns sounds (`HH AH L OW1 _`, 1 marks the stressed vowel) into control tracks with prosody."""
    rows: list[Sound] = []
    accent: list[float] = []
    tokens = text.split()
    for index, token in enumerate(tokens):
        stressed = token.endswith("1")
        name = token.removesuffix("1")
        closing = "_" in tokens[index + 1 : index + 4]
        for part in COMPOSED.get(name, (name,)):
            sound = SOUNDS[part]
            is_vowel = sound.voicing == 1.0
            stretch = (1.30 if stressed else 1.0) * (1.30 if closing and is_vowel else 1.0) / speaker.tempo
            frames = max(2, round(sound.duration_s * stretch / FRAME_S))
            rows += [sound] * frames
            accent += [1.0 if stressed else 0.0] * frames
    n = len(rows)

    spans = np.flatnonzero(np.array([row is SOUNDS["_"] for row in rows]))
    decline = np.zeros(n)
    start = 0
    for end in [*spans.tolist(), n]:
        if end > start:
            decline[start:end] = np.linspace(0, 1, end - start)
        start = end + 1
    rng = np.random.default_rng(speaker.seed)
    wander = smoothed(rng.standard_normal(n), 0.25)
    lift = 0.17 * smoothed(np.array(accent), 0.16) - 0.26 * smoothed(decline, 0.05) + 0.10 * wander
    formants = np.array([row.formants_hz for row in rows]) * speaker.tract_scale

    def level(values: list[float]) -> Track:
        return smoothed(np.array(values), 0.022)

    return Score(
        pitch_hz=speaker.pitch_hz * 2**lift,
        formants_hz=smoothed(formants, 0.060),
        voicing=level([row.voicing * (1 + 0.15 * a) for row, a in zip(rows, accent, strict=True)]),
        breath=level([row.breath for row in rows]),
        hiss=level([row.hiss for row in rows]),
        hiss_hz=np.array([row.hiss_hz for row in rows]),
        hiss_width_hz=np.array([row.hiss_width_hz for row in rows]),
        mouth_open=smoothed(np.array([row.mouth_open for row in rows]), 0.090),
        spread=smoothed(np.array([row.spread for row in rows]), 0.120),
    )


def glottal_source(pitch_hz: Track, rng: np.random.Generator) -> Track:
    """Derivative of Rosenberg's glottal flow, with a little jitter and shimmer from pulse to pulse."""
    phase = 0.0
    out = np.zeros(len(pitch_hz))
    jitter, shimmer = 1.0, 1.0
    opening, closing = 0.42, 0.18
    for i, hz in enumerate(pitch_hz):
        phase += hz * jitter / SAMPLE_RATE_HZ
        if phase >= 1:
            phase -= 1
            jitter, shimmer = 1 + 0.008 * rng.standard_normal(), 1 + 0.04 * rng.standard_normal()
        if phase < opening:
            out[i] = shimmer * 0.5 * np.sin(np.pi * phase / opening) / opening
        elif phase < opening + closing:
            out[i] = -shimmer * np.sin(np.pi / 2 * (phase - opening) / closing) / closing * np.pi / 4
    return out * 0.25


def resonated(signal: Track, hz: Track, width_hz: Track) -> Track:
    """One second-order resonator of unit gain at 0 Hz whose centre and bandwidth change every frame."""
    r = np.exp(-np.pi * width_hz / SAMPLE_RATE_HZ)
    b = 2 * r * np.cos(2 * np.pi * hz / SAMPLE_RATE_HZ)
    c = -(r**2)
    out = np.empty_like(signal)
    y1 = y2 = 0.0
    for frame in range(len(hz)):
        bf, cf = float(b[frame]), float(c[frame])
        af = 1 - bf - cf
        first = frame * FRAME_SAMPLES
        for i, x in enumerate(signal[first : first + FRAME_SAMPLES].tolist(), first):
            y = af * x + bf * y1 + cf * y2
            out[i] = y
            y2, y1 = y1, y
    return out


def band_noise(noise: Track, hz: Track, width_hz: Track) -> Track:
    """Noise around `hz`: a resonator, its low side removed by differencing, at unit power."""
    shaped = np.diff(resonated(noise, hz, width_hz), prepend=0.0)
    power = np.sqrt(np.convolve(shaped**2, np.ones(2400) / 2400, mode="same"))
    return shaped / np.maximum(power, 1e-9)


def synthesised(text: str, speaker: Speaker) -> tuple[NDArray[np.float32], Score]:
    """Mono speech at 48 kHz, peak 0.7, and the score that made it."""
    tracks = score(text, speaker)
    rng = np.random.default_rng(speaker.seed + 1)
    count = len(tracks.pitch_hz) * FRAME_SAMPLES
    at = (np.arange(count) / FRAME_SAMPLES) - 0.5

    def per_sample(track: Track) -> Track:
        return np.interp(at, np.arange(len(track)), track)

    pulses = glottal_source(per_sample(tracks.pitch_hz), rng)
    noise = rng.standard_normal(count)
    sound = pulses * per_sample(tracks.voicing) + 0.5 * noise * per_sample(tracks.breath)
    flat = np.ones(len(tracks.pitch_hz))
    widths = (70.0, 95.0, 150.0)
    for k, width in enumerate(widths):
        sound = resonated(sound, tracks.formants_hz[:, k], width * flat)
    for hz, width in ((4200.0, 260.0), (5200.0, 340.0)):
        sound = resonated(sound, hz * speaker.tract_scale * flat, width * flat)
    sound -= 0.85 * np.concatenate([[0.0], sound[:-1]])  # five resonators alone leave the voice dull above 2 kHz
    sound = sound / np.abs(sound).max()
    sound = sound + 0.22 * per_sample(tracks.hiss) * band_noise(noise, tracks.hiss_hz, tracks.hiss_width_hz)

    tail = round(0.16 * SAMPLE_RATE_HZ)
    echo = rng.standard_normal(tail) * np.exp(-np.arange(tail) / (0.035 * SAMPLE_RATE_HZ))
    echo /= np.sqrt((echo**2).sum())
    size = count + tail - 1
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)[:count]
    room = sound + 0.10 * wet
    return (0.7 * room / np.abs(room).max()).astype(np.float32), tracks
