import numpy as np
import pytest

from bench.quality.picture_quality import flicker, psnr_db, seam_contrast, ssim_map

NOISE = np.random.default_rng(0)


def test_psnr_is_20_db_per_factor_of_ten() -> None:
    assert psnr_db(1.0) == pytest.approx(48.13, abs=0.01)
    assert psnr_db(100.0) == pytest.approx(28.13, abs=0.01)
    assert psnr_db(0.0) == 100


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise() -> None:
    image = NOISE.uniform(0, 255, (64, 64)).astype(np.float32)
    noisy = image + NOISE.normal(0, 20, image.shape).astype(np.float32)

    assert ssim_map(image, image).min() == pytest.approx(1, abs=1e-4)
    assert 0.5 < ssim_map(image, noisy).mean() < 0.99
    assert ssim_map(image, 255 - image).mean() < -0.5


def test_ssim_of_flat_pictures_is_the_formulas() -> None:
    first, second = np.full((32, 32), 100, np.float32), np.full((32, 32), 120, np.float32)

    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)
    np.testing.assert_allclose(ssim_map(first, second), expected, atol=1e-4)


def test_steady_change_is_no_flicker() -> None:
    area = np.ones((8, 8), np.bool_)
    dark, middle, bright = (np.full((8, 8), level, np.float32) for level in (10, 20, 30))

    assert flicker(dark, middle, bright, area) == 0
    assert flicker(dark, bright, dark, area) == 40


def test_flicker_is_measured_in_the_area_only() -> None:
    area = np.zeros((8, 8), np.bool_)
    area[:4] = True
    rest, flash = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    flash[4:] = 200

    assert flicker(rest, flash, rest, area) == 0


def test_a_step_along_the_blends_edge_is_a_seam() -> None:
    alpha = np.tile(np.clip((np.arange(40) - 15) / 10, 0, 1), (40, 1)).astype(np.float32)
    plain = np.full((40, 40), 90, np.float32)
    step = plain + 50 * (np.arange(40) >= 20)
    along = step.T.copy()

    assert seam_contrast(plain, alpha) == 0
    assert seam_contrast(step.astype(np.float32), alpha) == pytest.approx(5, rel=0.15)
    assert seam_contrast(along.astype(np.float32), alpha) == 0


def test_a_blend_without_an_edge_has_no_seam_to_measure() -> None:
    assert np.isnan(seam_contrast(np.zeros((9, 9), np.float32), np.ones((9, 9), np.float32)))
