"""Parity on a tiny recording made here: it passes on the weights that made it and fails on others."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from export.parity import run
from export.random_weights import randomize
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import InvalidParameter

DIMS = WhisperDims(n_mels=8, n_audio_ctx=10, n_audio_state=16, n_audio_head=2, n_audio_layer=1)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """config.json, weights.safetensors and io.safetensors of a Whisper encoder and a mel of two blocks."""
    encoder = WhisperEncoder(DIMS)
    randomize(encoder, seed=1)
    mel = torch.randn(8, 26, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        padded = torch.cat((mel, torch.zeros(8, 14)), dim=1)
        features = torch.cat((encoder(padded[None, :, :20])[0], encoder(padded[None, :, 20:])[0, :3]))
    (tmp_path / "config.json").write_text(json.dumps({"dims": vars(DIMS)}))
    weights = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    save_file(weights, tmp_path / "weights.safetensors")
    save_file({"mel": mel, "features": features}, tmp_path / "io.safetensors")
    return tmp_path


def test_the_weights_that_made_a_recording_pass(recording: Path) -> None:
    (result,) = run(
        "whisper", recording / "config.json", recording / "weights.safetensors", recording / "io.safetensors"
    )

    assert result.passed
    assert result.max_abs_error < 1e-5


def test_other_weights_fail(recording: Path) -> None:
    encoder = WhisperEncoder(DIMS)
    randomize(encoder, seed=3)
    weights = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    save_file(weights, recording / "other.safetensors")

    (result,) = run("whisper", recording / "config.json", recording / "other.safetensors", recording / "io.safetensors")

    assert not result.passed


def test_an_unknown_network_and_a_file_without_cases_are_refused(recording: Path) -> None:
    config, weights, io = (recording / name for name in ("config.json", "weights.safetensors", "io.safetensors"))
    with pytest.raises(InvalidParameter, match="no network 'gan'"):
        run("gan", config, weights, io)

    save_file({"mel": torch.zeros(8, 4)}, io)
    with pytest.raises(InvalidParameter, match="holds no case for the whisper network"):
        run("whisper", config, weights, io)


def test_unreadable_files_are_refused_by_name(recording: Path) -> None:
    config, weights, io = (recording / name for name in ("config.json", "weights.safetensors", "io.safetensors"))
    io.write_bytes(b"damaged")
    with pytest.raises(InvalidParameter, match=r"io\.safetensors is not a readable safetensors file"):
        run("whisper", config, weights, io)

    config.write_text("{")
    with pytest.raises(InvalidParameter, match=r"config\.json is not a readable JSON file"):
        run("whisper", config, weights, io)
