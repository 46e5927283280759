import numpy as np
import pytest

from training.synthetic.espeak import (
    SAMPLE_RATE_HZ,
    EspeakVoice,
    draw_espeak_voice,
    draw_sentence,
    espeak_available,
    utter,
)
from training.synthetic.visemes import viseme_track

pytestmark = pytest.mark.skipif(not espeak_available(), reason="eSpeak NG is not installed")

VOICE = EspeakVoice("en-us+f2", words_per_minute=160, pitch=50, pitch_range=50)


def test_the_same_text_gives_the_same_samples_whatever_was_said_before() -> None:
    first = utter("Mama moves.", VOICE)
    utter("Something else!", EspeakVoice("de+m3", 200, 30, 30))

    second = utter("Mama moves.", VOICE)

    np.testing.assert_array_equal(first.wave, second.wave)
    assert first.segments == second.segments


def test_phonemes_are_timed_as_they_sound() -> None:
    utterance = utter("Papa, papa, papa, papa.", VOICE)
    frames = len(utterance.wave) // 160
    level = np.sqrt(np.mean(utterance.wave[: frames * 160].reshape(frames, 160) ** 2, axis=1))
    opening = viseme_track(utterance.segments, frames)[:, 0]
    opening_by_shift = [np.corrcoef(np.roll(opening, shift), level)[0, 1] for shift in range(-10, 11)]

    best_shift = int(np.argmax(opening_by_shift)) - 10

    assert abs(best_shift) <= 2
    assert max(opening_by_shift) > 0.7


def test_a_faster_voice_takes_less_time() -> None:
    slow, fast = (utter("A little more time.", EspeakVoice("en-us", rate, 50, 50)).wave for rate in (120, 240))

    assert len(slow) > 1.3 * len(fast)


def test_drawn_voices_speak_drawn_sentences() -> None:
    rng = np.random.default_rng(0)

    for _ in range(6):
        utterance = utter(draw_sentence(rng), draw_espeak_voice(rng))

        assert len(utterance.wave) > 0.5 * SAMPLE_RATE_HZ
        assert 0.05 < np.abs(utterance.wave).max() <= 1
        assert len(utterance.segments) > 8
