import numpy as np

from bench.quality.audio_envelope import speech_envelope, without_trend


def _tone(hz: float, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.sin(2 * np.pi * hz * np.arange(round(16000 * seconds)) / 16000)


def test_the_envelope_rises_where_the_band_sounds() -> None:
    pcm_int16 = (8000 * _tone(2000, 2) * (np.arange(32000) >= 16000)).astype(np.int16)

    before, after = speech_envelope(pcm_int16, np.array([0.5, 1.5]))

    assert before < 1e-6
    assert after > 0.01


def test_pitch_and_hiss_outside_the_band_do_not_count() -> None:
    times_s = np.array([0.5])
    heard = speech_envelope((8000 * _tone(2000, 1)).astype(np.int16), times_s)

    for hz in (150, 6500):
        assert speech_envelope((8000 * _tone(hz, 1)).astype(np.int16), times_s) < 0.01 * heard


def test_the_envelope_is_unknown_after_the_sound_has_ended() -> None:
    envelope = speech_envelope(np.zeros(16000, np.int16), np.array([0.9, 1.1]))

    np.testing.assert_array_equal(np.isnan(envelope), [False, True])


def test_the_envelope_does_not_depend_on_the_block_it_is_worked_in() -> None:
    pcm_int16 = (8000 * _tone(2000, 45)).astype(np.int16)

    envelope = speech_envelope(pcm_int16, np.linspace(1, 44, 500))

    assert np.ptp(envelope) < 1e-3 * envelope.mean()


def test_slow_change_is_taken_out_and_fast_change_kept() -> None:
    times_s = np.arange(250) / 25
    fast = np.sin(2 * np.pi * 5 * times_s)

    left = without_trend(fast + 3 * times_s, 1 / 25)

    np.testing.assert_allclose(left[20:-20], fast[20:-20], atol=0.1)


def test_unknown_moments_stay_unknown_and_do_not_spread() -> None:
    curve = np.full(50, 2.0)
    curve[10:13] = np.nan

    left = without_trend(curve, 1 / 25)

    assert np.isnan(left).sum() == 3
    np.testing.assert_allclose(left[np.isfinite(left)], 0, atol=1e-12)
