"""What the lip-sync measures hear, and how they score it, against the published implementation's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from bench.quality.mfcc import mfcc
from bench.quality.sync_mel import sync_mel, sync_mel_basis
from bench.quality.sync_offset import sync_score


def test_sync_mel_is_the_references(golden: Path) -> None:
    pcm_int16 = load_file(golden / "audio_logmel.safetensors")["demo1_pcm_int16"]
    expected = load_file(golden / "audio_syncmel_mfcc.safetensors")

    np.testing.assert_allclose(sync_mel_basis(), expected["mel_basis"], atol=1e-7, rtol=0)
    np.testing.assert_allclose(sync_mel(pcm_int16), expected["sync_mel"], atol=1e-4, rtol=0)
    np.testing.assert_allclose(sync_mel(pcm_int16), expected["sync_mel_f64"], atol=1e-4, rtol=0)


def test_mfcc_is_the_references(golden: Path) -> None:
    pcm_int16 = load_file(golden / "audio_logmel.safetensors")["demo1_pcm_int16"]
    expected = load_file(golden / "audio_syncmel_mfcc.safetensors")["mfcc_f64"]

    np.testing.assert_allclose(mfcc(pcm_int16), expected, atol=1e-8, rtol=0)


@pytest.mark.parametrize("case", ["s0", "s3", "sm4", "noise"])
def test_offset_and_confidence_are_the_references(golden: Path, case: str) -> None:
    tensors = load_file(golden / "eval_sync_offset.safetensors")
    expected = json.loads((golden / "eval_sync_offset.json").read_text())[case]

    score = sync_score(tensors[f"{case}.im"], tensors[f"{case}.cc"])

    np.testing.assert_allclose(score.mean_distances[::-1], tensors[f"{case}.mean_dists"], rtol=1e-5)
    assert score.offset_frames == expected["offset"]
    assert score.min_distance == pytest.approx(expected["min_dist"], rel=1e-5)
    assert score.confidence == pytest.approx(expected["conf"], rel=1e-5)
