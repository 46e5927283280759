import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.face_geometry import crop_region
from services.preprocess.alignment import align_matrix
from services.preprocess.crop import crop_reference, crop_studio


def photo_like(height: int = 600, width: int = 800) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(3).integers(0, 255, (height // 20, width // 20, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def matrix_at(
    x: float, y: float, size: float = 1.0, angle_deg: float = 0.0, resolution: int = 256
) -> NDArray[np.float64]:
    angle = np.deg2rad(angle_deg)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[-41.0, -20.0], [41.0, -20.0], [0.0, 20.0]])
    return align_matrix(shape @ turn.T + (x, y), resolution)


@pytest.mark.parametrize("size", [0.5, 1.0, 1.5])
def test_the_studio_crop_shows_what_the_reference_crop_shows(size: float) -> None:
    rgb, matrix = photo_like(), matrix_at(400, 250, size, angle_deg=20)
    difference = crop_studio(rgb, matrix, 256).astype(int) - crop_reference(rgb, matrix, 256)
    assert np.abs(difference).mean() < 1.0
    assert difference.mean() == pytest.approx(0.5, abs=0.1)  # the reference truncates


@pytest.mark.parametrize("size", [4.0, 7.0])
def test_fine_texture_of_a_shrunken_face_averages_out_instead_of_aliasing(size: float) -> None:
    checkered = np.indices((1800, 2400)).sum(axis=0) % 2 * 200
    rgb = np.repeat(checkered[..., None], 3, axis=2).astype(np.uint8)
    face = crop_studio(rgb, matrix_at(1200, 700, size, angle_deg=7, resolution=128), 128)
    inside = face[40:90, 40:90].astype(float)
    assert inside.mean() == pytest.approx(100, abs=1)
    assert inside.std() < 3


@pytest.mark.parametrize("resolution", [128, 512])
@pytest.mark.parametrize("size", [0.4, 1.3, 3.0])
def test_the_region_of_interest_is_enough_for_the_same_crop(size: float, resolution: int) -> None:
    rgb, matrix = photo_like(), matrix_at(380, 260, size, 15, resolution)
    roi = crop_region(matrix, resolution, 800, 600)
    shifted = matrix.copy()
    shifted[:, 2] += shifted[:, :2] @ (roi.x, roi.y)
    part = rgb[roi.y : roi.bottom, roi.x : roi.right]
    np.testing.assert_array_equal(crop_studio(part, shifted, resolution), crop_studio(rgb, matrix, resolution))


@pytest.mark.parametrize("crop", [crop_reference, crop_studio])
def test_outside_the_frame_is_grey(crop) -> None:
    white = np.full((300, 400, 3), 255, dtype=np.uint8)
    beyond = crop(white, matrix_at(-500, -400), 256)
    assert beyond.shape == (256, 256, 3)
    assert (beyond == 127).all()
    half = crop(white, matrix_at(0, 150), 256)
    assert (half[:, :60] == 127).all()
    assert (half[128, 200:] == 255).all()


@pytest.mark.parametrize("crop", [crop_reference, crop_studio])
def test_a_flat_frame_gives_a_flat_face(crop) -> None:
    flat = np.full((600, 800, 3), 93, dtype=np.uint8)
    assert (crop(flat, matrix_at(400, 250, 1.37, 11), 256) == 93).all()


def test_a_singular_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="singular"):
        crop_studio(photo_like(), np.zeros((2, 3)), 256)
