"""Crops against the reference's pixels: ±1 level on at most 0.2 % of the values."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from services.common.face_geometry import crop_size_wh
from services.preprocess.crop import crop_reference, warp_reference


def assert_nearly_equal(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert difference.max() <= 1
    assert np.mean(difference > 0) <= 0.002


def test_warped_crops_and_square_faces_are_the_references(golden: Path) -> None:
    data = load_file(golden / "affine_256.safetensors")
    for i, matrix in enumerate(data["r256.f32.matrix"]):
        crop = warp_reference(data["image_u8_hwc"], matrix, crop_size_wh(256))
        assert_nearly_equal(crop, data["r256.f32.crop_u8"][i])
        assert_nearly_equal(crop_reference(data["image_u8_hwc"], matrix, 256), data["r256.f32.face_u8"][i])


def test_a_face_partly_outside_the_frame_blends_to_grey(golden: Path) -> None:
    data = load_file(golden / "affine_256.safetensors")
    crop = warp_reference(data["image_u8_hwc"], data["edge.matrix"], crop_size_wh(256))
    assert_nearly_equal(crop, data["edge.crop_u8"])


def test_faces_of_the_end_to_end_run_are_the_references(golden: Path) -> None:
    data = load_file(golden / "e2e_base.safetensors")
    for frame, matrix, face_chw in zip(data["frames_u8"], data["matrices"], data["faces_u8"], strict=False):
        assert_nearly_equal(crop_reference(frame, matrix, 128), face_chw.transpose(1, 2, 0))
