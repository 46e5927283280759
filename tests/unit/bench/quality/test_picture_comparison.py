import numpy as np
import pytest
from drawn_frames import SIDE_PX, flat, picture, speaker_frame
from numpy.typing import NDArray

from bench.quality.blend_area import blend_area
from bench.quality.picture_comparison import PictureComparison

Luma = NDArray[np.uint8]


def _textured() -> Luma:
    return np.random.default_rng(0).integers(60, 200, (SIDE_PX, SIDE_PX)).astype(np.uint8)


def _compared(pairs: list[tuple[Luma, Luma]]) -> PictureComparison:
    comparison = PictureComparison("studio")
    for index, (dubbed, original) in enumerate(pairs):
        original_rgb = np.repeat(original[:, :, None], 3, axis=2)
        comparison.add(speaker_frame(dubbed, index), picture(original, index), original_rgb)
    return comparison


def _repainted(original: Luma, change: int) -> Luma:
    """Changed where a dub changes it."""
    matrix = speaker_frame(original).matrix
    assert matrix is not None
    area = blend_area(matrix, (SIDE_PX, SIDE_PX), "studio")
    dubbed = original.astype(np.int64)
    dubbed[area.roi.slices()] += change * (area.alpha > 0)
    return dubbed.astype(np.uint8)


def test_a_repainted_mouth_leaves_the_outside_perfect() -> None:
    original = _textured()

    found = _compared([(_repainted(original, 30), original)])

    assert found.outside.psnr_db == 100
    assert found.outside.ssim.value == pytest.approx(1, abs=1e-4)
    assert found.mouth.psnr_db == pytest.approx(10 * np.log10(255**2 / 30**2), abs=0.01)
    assert found.mouth.ssim.value < 0.99


def test_damage_beside_the_mouth_is_found_outside() -> None:
    original = _textured()
    dubbed = original.copy()
    dubbed[:10] += 30

    found = _compared([(dubbed, original)])

    assert found.outside.psnr_db < 40
    assert found.mouth.psnr_db == 100


def test_a_repainted_mouth_of_another_brightness_has_a_seam() -> None:
    original = flat(100)

    found = _compared([(_repainted(original, 40), original)])

    assert found.seam.value > 1
    assert found.original_seam.value == 0


def test_flicker_is_measured_in_both_videos() -> None:
    original = flat(100)
    dubbed = [_repainted(original, 20 * (index % 2)) for index in range(6)]

    found = _compared([(frame, original) for frame in dubbed])

    assert found.flicker.value == pytest.approx(40, rel=0.05)
    assert found.original_flicker.value == 0


def test_frames_without_a_face_count_as_outside_and_break_runs() -> None:
    original = flat(100)
    comparison = PictureComparison("studio")
    for index, run in enumerate((0, 0, None, 1, 1)):
        rgb = np.repeat(original[:, :, None], 3, axis=2)
        comparison.add(speaker_frame(flat(100 + 10 * (index % 2)), index, run), picture(original, index), rgb)

    assert comparison.frames == 5
    assert np.isnan(comparison.flicker.value)
    assert comparison.mouth.squared_error.weight > 0
