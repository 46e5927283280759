from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.synthetic.formant import SAMPLE_RATE_HZ, Voice, draw_voice, utter
from training.synthetic.visemes import Utterance

VOICE = Voice(f0_hz=120, range_octaves=0.0, tract_scale=1.0, tilt=1.0, breath=0.0, rate=1.0, loudness=0.5)  # a monotone


def test_the_same_generator_state_gives_the_same_utterance() -> None:
    first, second = (utter(np.random.default_rng(5), VOICE) for _ in range(2))

    np.testing.assert_array_equal(first.wave, second.wave)
    assert first.segments == second.segments


def test_the_peak_is_the_voices_loudness() -> None:
    wave = utter(np.random.default_rng(1), VOICE).wave

    assert wave.dtype == np.float32
    assert np.abs(wave).max() == np.float32(0.5)


def test_a_voice_speaks_at_its_pitch() -> None:
    low, high = (_pitch_hz(utter(np.random.default_rng(2), replace(VOICE, f0_hz=hz)).wave) for hz in (100.0, 210.0))

    assert abs(low - 100) < 5
    assert abs(high - 210) < 10


def test_a_faster_voice_takes_less_time() -> None:
    slow, fast = (utter(np.random.default_rng(3), replace(VOICE, rate=rate)).wave for rate in (0.8, 1.2))

    assert 1.35 < len(slow) / len(fast) < 1.65


def test_it_is_quieter_while_the_lips_are_closed_than_while_they_are_open() -> None:
    closed_db: list[float] = []
    open_db: list[float] = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        utterance = utter(rng, draw_voice(rng))
        closed_db += _levels_db(utterance, 0.0, 0.0)
        open_db += _levels_db(utterance, 0.5, 1.0)

    assert np.median(open_db) - np.median(closed_db) > 12


def test_segments_follow_each_other_within_the_wave() -> None:
    utterance = utter(np.random.default_rng(4), VOICE)

    times_s = [time_s for segment in utterance.segments for time_s in (segment.start_s, segment.end_s)]

    assert times_s == sorted(times_s)
    assert times_s[-1] <= len(utterance.wave) / SAMPLE_RATE_HZ + 1e-9


def _levels_db(utterance: Utterance, at_least: float, at_most: float) -> list[float]:
    """The level of the middle of every phoneme whose opening lies in the range, relative to the peak."""
    levels = []
    for segment in utterance.segments:
        if at_least <= segment.articulation.open <= at_most:
            middle = round((segment.start_s + segment.end_s) / 2 * SAMPLE_RATE_HZ)
            part = utterance.wave[max(0, middle - 160) : middle + 160]
            levels.append(10 * float(np.log10(np.mean(part**2) / np.abs(utterance.wave).max() ** 2 + 1e-9)))
    return levels


def _pitch_hz(wave: NDArray[np.float32]) -> float:
    """The lag at which the wave is most like itself, between 70 and 350 Hz."""
    power = np.abs(np.fft.rfft(wave, 2 * len(wave))) ** 2
    likeness = np.fft.irfft(power)
    lags = np.arange(SAMPLE_RATE_HZ // 350, SAMPLE_RATE_HZ // 70)
    return float(SAMPLE_RATE_HZ / lags[np.argmax(likeness[lags])])
