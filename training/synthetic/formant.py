"""Random speech from source and filter: pulses and noise, shaped frame by frame by formants (Klatt, JASA 67, 1980).

The filter acts on short-time spectra, all frames at once, so that an hour of speech takes seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ
from training.synthetic.phonemes import CONSONANTS, VOWELS, Sound
from training.synthetic.visemes import ARTICULATIONS, Articulation, Segment, Utterance

HOP_SAMPLES = 80
_HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ
_WINDOW_SAMPLES = 400
_BANDWIDTHS_HZ = (90.0, 120.0, 180.0)
_FOURTH_FORMANT_HZ = (4200.0, 260.0)
_ONSET_CHANCE, _CODA_CHANCE = 0.88, 0.25
_SYLLABLES = (3, 12)
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    f0_hz: float
    range_octaves: float
    """How far the melody moves."""
    tract_scale: float
    """Formants are multiplied by this; below 1 the vocal tract is longer than an average woman's."""
    tilt: float
    """Slope of the glottal spectrum: 1 falls 6 dB per octave above 500 Hz."""
    breath: float
    rate: float
    loudness: float


def draw_voice(rng: np.random.Generator) -> Voice:
    return Voice(
        f0_hz=float(np.exp(rng.uniform(np.log(80), np.log(300)))),
        range_octaves=float(rng.uniform(0.05, 0.35)),
        tract_scale=float(rng.uniform(0.8, 1.12)),
        tilt=float(rng.uniform(0.5, 1.6)),
        breath=float(rng.uniform(0.0, 0.10)),
        rate=float(rng.uniform(0.75, 1.35)),
        loudness=float(10 ** rng.uniform(-1.2, -0.1)),
    )


def utter(rng: np.random.Generator, voice: Voice) -> Utterance:
    """A phrase of 3 to 12 random syllables without a pause, its peak at `voice.loudness`."""
    sounds, levels, segments = _phrase(rng, voice)
    controls = _controls(sounds, levels, voice)
    pulses = _pulses(rng, _melody(rng, voice, len(levels)))
    noise = rng.standard_normal(len(pulses), np.float32)
    wave = _filtered(pulses + voice.breath * noise, noise, controls, voice)
    return Utterance(wave * np.float32(voice.loudness / max(1e-6, float(np.abs(wave).max()))), tuple(segments))


def _phrase(rng: np.random.Generator, voice: Voice) -> tuple[list[Sound], Floats, list[Segment]]:
    """A sound and a level for every 5 ms, and the phonemes' articulations."""
    sounds: list[Sound] = []
    levels: list[float] = []
    segments: list[Segment] = []
    for _ in range(rng.integers(*_SYLLABLES)):
        effort = rng.uniform(0.6, 1.0)
        for symbol in _syllable(rng):
            parts = VOWELS.get(symbol) or CONSONANTS[symbol]
            start_s = len(sounds) * _HOP_S
            articulation = _with_effort(ARTICULATIONS[symbol], effort)
            lips_meet = articulation.open == 0
            for index, part in enumerate(parts):
                count = max(2, round(part.duration_s * rng.uniform(0.7, 1.4) / voice.rate / _HOP_S))
                sounds += [part] * count
                levels += [effort] * count
                if lips_meet and index == 0:
                    segments.append(Segment(start_s, len(sounds) * _HOP_S, articulation))
            if not lips_meet:
                segments.append(Segment(start_s, len(sounds) * _HOP_S, articulation))
    return sounds, np.array(levels, np.float32), segments


def _syllable(rng: np.random.Generator) -> list[str]:
    onset = [str(rng.choice(list(CONSONANTS)))] if rng.random() < _ONSET_CHANCE else []
    coda = [str(rng.choice(list(CONSONANTS)))] if rng.random() < _CODA_CHANCE else []
    return [*onset, str(rng.choice(list(VOWELS))), *coda]


def _with_effort(articulation: Articulation, effort: float) -> Articulation:
    """Vowels open as far as they are loud; consonants keep their place."""
    scale = 0.55 + 0.45 * effort if articulation.open > 0.35 else 1.0
    return Articulation(articulation.open * scale, articulation.wide, articulation.round)


def _controls(sounds: list[Sound], levels: Floats, voice: Voice) -> Floats:
    """Columns F1, F2, F3, voicing, breath, hiss, hiss_hz, hiss_width_hz; a row per 5 ms."""
    formants: tuple[float, float, float] = (500.0, 1600.0, 2700.0)
    rows = []
    for sound, level in zip(sounds, levels.tolist(), strict=True):
        formants = sound.formants_hz or formants
        amounts = (sound.voicing * level, sound.breath * level, sound.hiss * level)
        rows.append((*formants, *amounts, sound.hiss_hz, sound.hiss_width_hz))
    controls = np.array(rows, np.float32)
    controls[:, :3] = _smoothed(controls[:, :3], 0.018) * voice.tract_scale
    controls[:, 3:6] = _smoothed(controls[:, 3:6], 0.005)
    controls[:, 3:6] *= np.clip(np.minimum(np.arange(len(rows)), np.arange(len(rows))[::-1]) / 4, 0, 1)[:, None]
    return controls


def _smoothed(columns: Floats, deviation_s: float) -> Floats:
    deviation = deviation_s / _HOP_S
    reach = int(np.ceil(3 * deviation))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2).astype(np.float32)
    padded = np.pad(columns, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), mode="valid") for column in padded.T], 1)


def _melody(rng: np.random.Generator, voice: Voice, hops: int) -> Floats:
    """Pitch in Hz per 5 ms: a falling or rising line, slow wandering and a little jitter."""
    wandering = _smoothed(rng.standard_normal((hops, 1), np.float32), 0.12)[:, 0] * 8
    line = np.linspace(0.5, rng.choice((-0.9, -0.6, 0.8), p=(0.5, 0.3, 0.2)), hops)
    jitter = rng.standard_normal(hops) * 0.008
    melody: Floats = (voice.f0_hz * 2 ** (voice.range_octaves * (wandering + line) + jitter)).astype(np.float32)
    return melody


def _pulses(rng: np.random.Generator, f0_hz: Floats) -> Floats:
    """Impulses of equal mean power whatever the pitch, each shared by the two samples it falls between."""
    count = len(f0_hz) * HOP_SAMPLES
    cycles = np.cumsum(np.interp(np.arange(count) / HOP_SAMPLES, np.arange(len(f0_hz)), f0_hz) / SAMPLE_RATE_HZ)
    at = np.flatnonzero(np.diff(np.floor(cycles)) > 0) + 1
    period = SAMPLE_RATE_HZ / np.interp(at / HOP_SAMPLES, np.arange(len(f0_hz)), f0_hz)
    late = (cycles[at] % 1) * period
    height = np.sqrt(period) * (1 + 0.05 * rng.standard_normal(len(at)))
    pulses = np.zeros(count, np.float32)
    pulses[at] += height * (1 - np.clip(late, 0, 1))
    pulses[at - 1] += height * np.clip(late, 0, 1)
    return pulses


def _filtered(source: Floats, noise: Floats, controls: Floats, voice: Voice) -> Floats:
    """Both sources through their frame's spectra, by short-time transform and overlap-add (hop 5 ms, window 25 ms)."""
    hz = np.fft.rfftfreq(_WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ).astype(np.float32)[None]
    formants = _formant_spectrum(hz, controls, voice)
    hissing = np.exp(-0.5 * ((hz - controls[:, 6:7]) / controls[:, 7:8]) ** 2) * controls[:, 5:6] * 2
    window = np.hanning(_WINDOW_SAMPLES + 1)[:-1].astype(np.float32)

    def spectra(signal: Floats) -> NDArray[np.complex64]:
        centred = np.pad(signal, (_WINDOW_SAMPLES // 2 - HOP_SAMPLES // 2, _WINDOW_SAMPLES))
        frames = np.lib.stride_tricks.sliding_window_view(centred, _WINDOW_SAMPLES)[::HOP_SAMPLES][: len(controls)]
        return np.fft.rfft(frames * window).astype(np.complex64, copy=False)

    noise_spectra = spectra(noise)
    spectrum = spectra(source) * formants * controls[:, 3:4] + noise_spectra * (formants * controls[:, 4:5] + hissing)
    frames = np.fft.irfft(spectrum, _WINDOW_SAMPLES).astype(np.float32) * window
    overlap = _WINDOW_SAMPLES // HOP_SAMPLES
    padded = np.zeros((len(frames) + overlap, HOP_SAMPLES), np.float32)
    for part in range(overlap):
        padded[part : part + len(frames)] += frames[:, part * HOP_SAMPLES : (part + 1) * HOP_SAMPLES]
    start = _WINDOW_SAMPLES // 2 - HOP_SAMPLES // 2
    return padded.reshape(-1)[start : start + len(source)]


def _formant_spectrum(hz: Floats, controls: Floats, voice: Voice) -> Floats:
    """Magnitudes [hops, bins]: four resonances and the source's tilt, much of the level differences taken out."""
    tilt = (1 + (hz / 500) ** 2) ** np.float32(voice.tilt)
    fourth_hz, fourth_width_hz = _FOURTH_FORMANT_HZ
    ratio = (hz / np.float32(fourth_hz * voice.tract_scale)) ** 2
    damping = np.repeat(
        tilt * ((1 - ratio) ** 2 + ratio * np.float32(fourth_width_hz / fourth_hz) ** 2), len(controls), 0
    )
    for index, width in enumerate(_BANDWIDTHS_HZ):
        centre = controls[:, index : index + 1]
        ratio = (hz / centre) ** 2
        damping *= (1 - ratio) ** 2 + ratio * (np.float32(width) / centre) ** 2
    power = 1 / damping
    level = power.mean(1, keepdims=True)
    scaled: Floats = np.sqrt(power) / level**0.4
    return scaled
