"""Log-mel against the reference's."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from services.preprocess.mel import log_mel, mel_filterbank


@pytest.mark.parametrize("signal", ["demo1", "synthetic"])
def test_log_mel_is_the_references(golden: Path, signal: str) -> None:
    data = load_file(golden / "audio_logmel.safetensors")
    np.testing.assert_allclose(log_mel(data[f"{signal}_pcm_int16"]), data[f"{signal}_log_mel"], atol=5e-5, rtol=0)


def test_the_filterbank_is_the_references(golden: Path) -> None:
    expected = load_file(golden / "audio_logmel.safetensors")["mel_filterbank_80x201"]
    np.testing.assert_allclose(mel_filterbank(), expected, atol=1e-8, rtol=0)
