"""Audio windows against the reference's, exactly."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from services.preprocess.audio_windows import reference_frame_count, window_centres, window_rows


def test_frame_counts_and_rows_are_the_references_at_every_length_and_rate(golden: Path) -> None:
    expected = load_file(golden / "audio_windows.safetensors")
    for length, fps, frames in json.loads((golden / "audio_windows.json").read_text())["table"]:
        rate = Fraction(str(fps))
        assert reference_frame_count(length, rate) == frames
        rows = window_rows(window_centres(np.arange(frames), 1 / rate), length)
        np.testing.assert_array_equal(rows, expected[f"idx_L{length}_fps{fps}"])


def test_a_wider_window_is_the_references(golden: Path) -> None:
    expected = load_file(golden / "audio_windows.safetensors")["idx_L40_fps25_len3_1"]
    rows = window_rows(window_centres(np.arange(len(expected)), Fraction(1, 25)), 40, context=(3, 1))
    np.testing.assert_array_equal(rows, expected)


def test_a_training_crop_is_the_references(golden: Path) -> None:
    expected = load_file(golden / "audio_windows.safetensors")["train_crop_L200_start30"]
    rows = window_rows(window_centres(np.arange(30, 46), Fraction(1, 25)), 200)
    np.testing.assert_array_equal(rows, expected)
