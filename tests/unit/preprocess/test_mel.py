"""The log-mel front end on signals whose spectrum is known."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from services.preprocess.mel import log_mel, mel_filterbank


def tone(frequency_hz: float, duration_s: float, amplitude: float = 8000) -> NDArray[np.int16]:
    time_s = np.arange(int(duration_s * 16_000)) / 16_000
    return np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.int16)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (159, 0), (160, 1), (399, 2), (16_000, 100)])
def test_there_is_one_frame_for_every_full_hop(samples: int, frames: int) -> None:
    mel = log_mel(np.ones(samples, np.int16))
    assert mel.shape == (80, frames)
    assert mel.dtype == np.float32


@pytest.mark.parametrize("frequency_hz", [200, 1000, 3500, 7000])
def test_a_tone_is_loudest_in_the_band_around_it(frequency_hz: int) -> None:
    loudest = log_mel(tone(frequency_hz, 0.5))[:, 25].argmax()
    bin_of_tone = frequency_hz // 40
    assert mel_filterbank()[loudest, bin_of_tone] == mel_filterbank()[:, bin_of_tone].max() > 0


def test_frames_around_a_block_edge_are_what_they_are_alone() -> None:
    rng = np.random.default_rng(3)
    pcm = (rng.standard_normal(2010 * 160) * 3000).astype(np.int16)
    mel = log_mel(pcm)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    for frame in (1998, 1999, 2000, 2001):
        samples = pcm[frame * 160 - 200 : frame * 160 + 200] / 32768
        power = np.abs(np.fft.rfft(samples * window)) ** 2
        alone = (np.log10(np.maximum(mel_filterbank() @ power, 1e-10)) + 4) / 4
        np.testing.assert_allclose(mel[:, frame], np.maximum(alone, mel.max() - 2), atol=1e-5)


def test_a_late_loud_sound_raises_the_floor_of_the_quiet_beginning() -> None:
    quiet = np.zeros(25 * 16_000, np.int16)
    mel = log_mel(np.concatenate([quiet, tone(1000, 0.5, 30_000)]))
    assert mel[:, 0].max() == mel.min() == pytest.approx(mel.max() - 2, abs=1e-6)


def test_ten_minutes_take_little_memory_beside_the_result() -> None:
    pcm = np.zeros(600 * 16_000, np.int16)
    tracemalloc.start()
    mel = log_mel(pcm)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - mel.nbytes < 64e6


def test_bands_have_equal_area_and_the_cached_filterbank_cannot_be_changed() -> None:
    filterbank = mel_filterbank()
    areas = filterbank[20:].sum(axis=1) * 40
    np.testing.assert_allclose(areas, 1, atol=0.1)
    with pytest.raises(ValueError, match="read-only"):
        filterbank[0, 0] = 1
