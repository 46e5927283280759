"""Bicubic resize with antialiasing."""

import numpy as np
import pytest

from services.composite.resize import resize_bicubic_antialias


@pytest.mark.parametrize("size_wh", [(210, 280), (33, 40), (105, 140), (1, 1)])
def test_a_flat_image_stays_flat_at_any_size(size_wh: tuple[int, int]) -> None:
    resized = resize_bicubic_antialias(np.full((128, 96, 3), 0.25, np.float32), size_wh)
    assert resized.shape == (size_wh[1], size_wh[0], 3)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, 0.25, atol=1e-6)


def test_the_same_size_is_the_same_image() -> None:
    image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    np.testing.assert_array_equal(resize_bicubic_antialias(image, (30, 20)), image)


def test_shrinking_averages_detail_away_instead_of_picking_some_of_it() -> None:
    stripes = np.zeros((64, 64, 1), np.float32)
    stripes[:, ::2] = 1
    resized = resize_bicubic_antialias(stripes, (16, 64))
    np.testing.assert_allclose(resized[:, 2:-2], 0.5, atol=0.01)


def test_a_ramp_keeps_its_place_when_it_grows() -> None:
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32)[None, :, None], (8, 32, 1))
    resized = resize_bicubic_antialias(ramp, (64, 8))
    expected = (np.arange(64) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(resized[4, 8:-8, 0], expected[8:-8], atol=1e-4)
