import numpy as np
import pytest

from bench.quality import mfcc, sync_mel


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3)])
def test_every_sample_lies_in_a_frame_of_the_cepstrum(samples: int, frames: int) -> None:
    assert mfcc.mfcc(np.ones(samples, np.int16)).shape == (frames, 13)


def test_silence_has_a_finite_spectrum() -> None:
    assert np.isfinite(mfcc.mfcc(np.zeros(1600, np.int16))).all()
    np.testing.assert_array_equal(sync_mel.sync_mel(np.zeros(1600, np.int16)), -4)


def test_both_spectra_are_the_same_whatever_blocks_they_are_worked_in(monkeypatch: pytest.MonkeyPatch) -> None:
    pcm_int16 = np.random.default_rng(0).integers(-3000, 3000, 9000, np.int16)
    whole = mfcc.mfcc(pcm_int16), sync_mel.sync_mel(pcm_int16)
    for module in (mfcc, sync_mel):
        monkeypatch.setattr(module, "_BLOCK_FRAMES", 7)

    np.testing.assert_allclose(mfcc.mfcc(pcm_int16), whole[0], atol=1e-9)
    np.testing.assert_allclose(sync_mel.sync_mel(pcm_int16), whole[1], atol=1e-5)
