"""Alignment against the reference's numbers."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from services.common.face_geometry import crop_size_wh, template_triple
from services.preprocess.alignment import ReferenceAlignment, align_matrix, triple_from_106


def test_triples_of_106_landmarks_are_exact(golden: Path) -> None:
    data = load_file(golden / "landmark_triples.safetensors")
    for landmarks, triple in zip(data["landmarks_106_i64"], data["triples_f64"], strict=True):
        np.testing.assert_array_equal(triple_from_106(landmarks), triple)


def test_the_template_is_the_references(golden: Path) -> None:
    data = load_file(golden / "affine_256.safetensors")
    np.testing.assert_allclose(template_triple(256), data["r256.template_f64"], atol=1e-12)
    assert crop_size_wh(256) == (210, 280)


def test_unsmoothed_matrices_are_the_references(golden: Path) -> None:
    data = load_file(golden / "affine_256.safetensors")
    matrices = [align_matrix(triple, 256) for triple in data["triples_f64"]]
    np.testing.assert_allclose(matrices, data["r256.matrix_unsmoothed"], atol=5e-4)


def test_matrices_with_the_carried_bias_are_the_references(golden: Path) -> None:
    data = load_file(golden / "affine_256.safetensors")
    alignment = ReferenceAlignment(256)
    matrices = np.stack([alignment.matrix(triple) for triple in data["triples_f64"]])
    np.testing.assert_allclose(matrices, data["r256.matrix_smoothed"], atol=5e-4)
    bias = matrices[:, :, 2] - data["r256.matrix_unsmoothed"][:, :, 2]
    np.testing.assert_allclose(bias, data["r256.p_bias"], atol=5e-4)


def test_the_bias_is_added_in_pixels_at_any_resolution(golden: Path) -> None:
    data = load_file(golden / "affine_256.safetensors")
    alignment = ReferenceAlignment(512)
    for triple, bias in zip(data["triples_f64"], data["r256.p_bias"], strict=True):
        added = alignment.matrix(triple) - align_matrix(triple, 512)
        np.testing.assert_allclose(added[:, 2], bias, atol=5e-4)


def test_matrices_of_the_end_to_end_run_are_the_references(golden: Path) -> None:
    data = load_file(golden / "e2e_base.safetensors")
    alignment = ReferenceAlignment(128)
    matrices = [alignment.matrix(triple_from_106(landmarks)) for landmarks in data["landmarks_106"]]
    np.testing.assert_allclose(matrices, data["matrices"][: len(matrices)], atol=5e-4)


@pytest.mark.parametrize(("resolution", "size_wh"), [(128, (105, 140)), (256, (210, 280)), (512, (420, 560))])
def test_crop_sizes_are_whole(resolution: int, size_wh: tuple[int, int]) -> None:
    assert crop_size_wh(resolution) == size_wh
