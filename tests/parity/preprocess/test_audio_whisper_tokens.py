"""From samples to a video frame's audio tokens, with the golden encoder, against the reference's."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from services.common.messages import Mode
from services.preprocess.audio_features import AudioFeatures
from services.preprocess.audio_windows import reference_frame_count, window_centres, window_rows
from services.preprocess.mel import log_mel

torch = pytest.importorskip("torch")
whisper = pytest.importorskip("export.whisper")


def demo_features(golden: Path, mode: Mode) -> AudioFeatures:
    encoder = whisper.WhisperEncoder(
        whisper.WhisperDims.from_dict(json.loads((golden / "whisper_a.json").read_text())["dims"])
    )
    weights = load_file(golden / "whisper_a.safetensors")
    encoder.load_state_dict({name.removeprefix("encoder."): torch.from_numpy(w) for name, w in weights.items()})

    async def encode(mel: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            features: NDArray[np.float32] = encoder(torch.from_numpy(mel)[None])[0].numpy()
        return features

    pcm = load_file(golden / "audio_logmel.safetensors")["demo1_pcm_int16"]
    return AudioFeatures(log_mel(pcm), encode, mode)


@pytest.mark.parametrize("mode", ["reference", "studio"])
async def test_features_and_tokens_are_the_references(golden: Path, mode: Mode) -> None:
    expected = load_file(golden / "whisper_a_io.safetensors")
    audio = demo_features(golden, mode)
    features = await audio.rows(0, audio.length)
    np.testing.assert_allclose(features, expected["features"], atol=5e-5, rtol=0)

    frames = reference_frame_count(audio.length)
    rows = window_rows(window_centres(np.arange(frames), Fraction(1, 25)), audio.length)
    for name, frame in {"chunk_0": 0, "chunk_1": 1, "chunk_100": 100, "chunk_last": frames - 1}.items():
        tokens = features[rows[frame]].reshape(-1, features.shape[-1])
        np.testing.assert_allclose(tokens, expected[name], atol=5e-5, rtol=0)
