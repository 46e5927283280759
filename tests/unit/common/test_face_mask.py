"""The fixed mask's shape and its sizes."""

import numpy as np
import pytest

from services.common.face_mask import face_mask, latent_mask


def test_the_mouth_and_cheeks_are_generated_and_eyes_nose_and_edges_kept() -> None:
    mask = face_mask(256)
    assert set(np.unique(mask)) == {0, 1}
    assert mask[:95].all()
    assert mask[243:].all()
    assert mask[95:128, 78:178].all()
    assert mask[:, :9].all()
    assert mask[:, 248:].all()
    assert not mask[128:200, 40:215].any()
    assert not mask[100:128, 9:78].any()
    assert np.mean(mask == 0) == pytest.approx(0.407, abs=5e-4)


@pytest.mark.parametrize("resolution", [128, 256, 512])
def test_every_size_covers_the_same_part_of_the_face(resolution: int) -> None:
    mask = face_mask(resolution)
    assert mask.shape == (resolution, resolution)
    assert mask.min() == 0
    assert mask.max() == 1
    assert mask.mean() == pytest.approx(face_mask(256).mean(), abs=0.005)


@pytest.mark.parametrize("resolution", [128, 256, 512])
def test_the_latent_mask_takes_every_eighth_pixel(resolution: int) -> None:
    mask = latent_mask(resolution)
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask, face_mask(resolution)[::8, ::8].astype(np.float32))


def test_the_shared_arrays_cannot_be_changed() -> None:
    for mask in (face_mask(256), latent_mask(256)):
        with pytest.raises(ValueError, match="read-only"):
            mask[0, 0] = 0
