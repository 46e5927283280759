"""The fixed mask, the faces given to the networks and the paste-back against the reference's."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from services.common.face_mask import face_mask, latent_mask
from services.denoise.conditioning import masked_pixel_values, pasted_back, pixel_values


@pytest.mark.parametrize("resolution", [128, 256, 512])
def test_the_mask_is_the_references_at_every_size(golden: Path, resolution: int) -> None:
    expected = load_file(golden / "masks.safetensors")
    np.testing.assert_array_equal(face_mask(resolution), expected[f"mask_{resolution}_u8"] / 255)
    np.testing.assert_array_equal(latent_mask(resolution), expected[f"mask_latent_{resolution // 8}"])


def test_faces_and_masked_faces_are_the_references(golden: Path) -> None:
    expected = load_file(golden / "masks.safetensors")
    faces = pixel_values(expected["faces_u8"].transpose(0, 2, 3, 1))
    np.testing.assert_allclose(faces, expected["pixel_values"], atol=1e-6, rtol=0)
    masked = masked_pixel_values(faces, face_mask(256))
    np.testing.assert_allclose(masked, expected["masked_pixel_values_f32"], atol=1e-6, rtol=0)
    np.testing.assert_array_equal(np.broadcast_to(face_mask(256), (3, 1, 256, 256)), expected["masks_f32"])


def test_pasted_back_faces_are_the_references(golden: Path) -> None:
    expected = load_file(golden / "masks.safetensors")
    combined = pasted_back(expected["decoded"], expected["pixel_values"], face_mask(256))
    np.testing.assert_allclose(combined, expected["combined"], atol=1e-6, rtol=0)
