import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthetic import espeak
from training.synthetic.sound_beds import draw_bed
from training.synthetic.speech import speak


def test_the_same_generator_state_gives_the_same_speech() -> None:
    first, second = (speak(np.random.default_rng(11), 2.0) for _ in range(2))

    np.testing.assert_array_equal(first.wave, second.wave)
    np.testing.assert_array_equal(first.visemes, second.visemes)


def test_waves_and_visemes_have_the_length_asked_for() -> None:
    speech = speak(np.random.default_rng(0), 1.25, engine="formant")

    assert speech.wave.shape == (20_000,)
    assert speech.visemes.shape == (125, 3)
    assert speech.wave.dtype == speech.visemes.dtype == np.float32
    assert np.abs(speech.wave).max() <= 1
    assert 0 <= speech.visemes.min() <= speech.visemes.max() <= 1


def test_the_mouth_is_closed_in_long_pauses() -> None:
    speech = speak(np.random.default_rng(3), 20.0, clean=True, engine="formant")

    pauses = _long_pauses(speech.wave)

    assert pauses.sum() > 50
    assert speech.visemes[pauses, 0].max() < 0.02
    assert speech.visemes[~pauses, 0].max() > 0.6


def test_some_recordings_say_nothing_and_keep_the_mouth_closed() -> None:
    said = [speak(np.random.default_rng(seed), 1.5, engine="formant") for seed in range(80)]

    mute = [speech for speech in said if speech.visemes[:, 0].max() == 0]

    assert 1 <= len(mute) <= 12
    assert any(np.abs(speech.wave).max() > 0 for speech in mute)


def test_formant_speech_stands_in_where_espeak_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "espeak_available", lambda: False)

    for seed in range(4):
        drawn = speak(np.random.default_rng(seed), 1.0)
        formant = speak(np.random.default_rng(seed), 1.0, engine="formant")

        np.testing.assert_array_equal(drawn.wave, formant.wave)


def test_every_kind_of_bed_has_unit_power() -> None:
    for seed in range(20):
        bed = draw_bed(np.random.default_rng(seed), 8000)

        assert bed.shape == (8000,)
        assert abs(np.mean(bed**2) - 1) < 1e-3


def _long_pauses(wave: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Per 10 ms: whether everything within 150 ms before and after is digital silence."""
    sounding = (wave.reshape(-1, 160) != 0).any(axis=1)
    return np.asarray(np.convolve(sounding, np.ones(31), mode="same") == 0)
