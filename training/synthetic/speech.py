"""Synthetic speech of many voices with what the mouth does meanwhile: the material every network learns sync from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ
from training.synthetic import espeak, formant
from training.synthetic.sound_beds import draw_bed, shaped
from training.synthetic.visemes import VISEME_RATE_HZ, Segment, Utterance, viseme_track

_SILENT_CHANCE = 0.04
_LONG_PAUSE_CHANCE = 0.25
_BED_CHANCE = 0.6
_GATED_BED_CHANCE = 0.2
_ROOM_CHANCE = 0.3
_SNR_DB = (10.0, 40.0)
_QUIET_DB = -60.0
Floats = NDArray[np.float32]
Engine = Literal["formant", "espeak"]
Talker = Callable[[], Utterance]


@dataclass(frozen=True)
class Speech:
    wave: Floats
    """[n] mono at 16 kHz, −1…1."""
    visemes: Floats
    """[n // 160, 3]: open, wide, round in 0…1, 100 per second."""


def speak(rng: np.random.Generator, duration_s: float, clean: bool = False, engine: Engine | None = None) -> Speech:
    """One voice talks, with pauses short and long; the same generator state gives the same speech.

    Half of the voices are eSpeak NG's if it is installed and no `engine` is asked for. Unless `clean`, a room, a
    microphone and a bed of noise or music are put over the voice, and one recording in 25 says nothing at all.
    """
    drawn: Engine = "espeak" if rng.random() < 0.5 and espeak.espeak_available() else "formant"
    talker = (espeak_talker if (engine or drawn) == "espeak" else formant_talker)(rng)
    if clean:
        return talk(rng, talker, duration_s)
    says_nothing = rng.random() < _SILENT_CHANCE
    spoken = _nothing(duration_s) if says_nothing else talk(rng, talker, duration_s)
    return replace(spoken, wave=_recorded(rng, spoken.wave))


def formant_talker(rng: np.random.Generator) -> Talker:
    voice = formant.draw_voice(rng)
    return lambda: formant.utter(rng, voice)


def espeak_talker(rng: np.random.Generator) -> Talker:
    voice = espeak.draw_espeak_voice(rng)
    loudness = np.float32(10 ** rng.uniform(-0.9, 0))

    def utter() -> Utterance:
        utterance = espeak.utter(espeak.draw_sentence(rng), voice)
        return replace(utterance, wave=utterance.wave * loudness)

    return utter


def talk(rng: np.random.Generator, talker: Talker, duration_s: float) -> Speech:
    """Utterances and pauses of digital silence one after the other, cut off at the end."""
    samples = round(duration_s * SAMPLE_RATE_HZ)
    wave = np.zeros(samples, np.float32)
    segments: list[Segment] = []
    at = round(rng.uniform(0, 0.5) * SAMPLE_RATE_HZ)
    while at < samples:
        utterance = talker()
        part = utterance.wave[: samples - at] * np.float32(10 ** rng.uniform(-0.2, 0))
        wave[at : at + len(part)] = part
        segments += [_later(segment, at / SAMPLE_RATE_HZ) for segment in utterance.segments]
        at += len(utterance.wave) + round(_pause_s(rng) * SAMPLE_RATE_HZ)
    return Speech(wave, _visemes(segments, samples))


def _nothing(duration_s: float) -> Speech:
    samples = round(duration_s * SAMPLE_RATE_HZ)
    return Speech(np.zeros(samples, np.float32), _visemes([], samples))


def _later(segment: Segment, delay_s: float) -> Segment:
    return replace(segment, start_s=segment.start_s + delay_s, end_s=segment.end_s + delay_s)


def _pause_s(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.6, 3.5) if rng.random() < _LONG_PAUSE_CHANCE else rng.uniform(0.12, 0.5))


def _visemes(segments: list[Segment], samples: int) -> Floats:
    return viseme_track(segments, samples * VISEME_RATE_HZ // SAMPLE_RATE_HZ)


def _recorded(rng: np.random.Generator, wave: Floats) -> Floats:
    """The voice as a recording has it: room, microphone, bed, and spans of digital silence where it is gated."""
    spoken = wave != 0
    if rng.random() < _ROOM_CHANCE:
        wave = _in_room(rng, wave)
    wave = _through_microphone(rng, wave)
    if rng.random() < _BED_CHANCE:
        bed = draw_bed(rng, len(wave))
        power = float(np.mean(wave[spoken] ** 2)) if spoken.any() else 10 ** (_QUIET_DB / 10 + rng.uniform(0, 3))
        bed *= np.float32(np.sqrt(power * 10 ** (-rng.uniform(*_SNR_DB) / 10)))
        if rng.random() < _GATED_BED_CHANCE:
            bed *= spoken
        wave = wave + bed
    return np.clip(wave, -1, 1)


def _in_room(rng: np.random.Generator, wave: Floats) -> Floats:
    """Adds a diffuse, decaying echo."""
    decay_s = rng.uniform(0.03, 0.12)
    tail = np.exp(-np.arange(round(5 * decay_s * SAMPLE_RATE_HZ)) / (decay_s * SAMPLE_RATE_HZ))
    echo = tail * rng.standard_normal(len(tail))
    echo *= rng.uniform(0.05, 0.35) / np.sqrt(np.sum(echo**2))
    echo[0] += 1
    size = len(wave) + len(tail)
    return np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(echo, size), size)[: len(wave)].astype(np.float32)


def _through_microphone(rng: np.random.Generator, wave: Floats) -> Floats:
    """A smooth random frequency response of a few dB over the octaves, and sometimes a telephone's narrow band."""
    octaves = np.log2((62.5, 125, 250, 500, 1000, 2000, 4000, 8000))
    gains_db = rng.normal(0, 3, len(octaves))
    if rng.random() < 0.1:
        gains_db[[0, 1, -1]] -= 25
    return shaped(wave, lambda hz: 10 ** (np.interp(np.log2(np.maximum(hz, 1)), octaves, gains_db) / 20))
