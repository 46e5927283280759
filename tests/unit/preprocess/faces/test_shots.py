import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.preprocess.faces.shots import ShotDetector, thumbnail


def scene(seed: int, shift_px: int = 0) -> NDArray[np.uint8]:
    """A 360×640 picture of smooth coloured blobs, seen through a window that may be shifted."""
    coarse = np.random.default_rng(seed).integers(30, 200, (9, 20, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (880, 360), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(wide[:, 100 + shift_px : 740 + shift_px])


def lit(rgb: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    return np.clip(rgb * gain, 0, 255).astype(np.uint8)


def cuts(frames: list[NDArray[np.uint8]]) -> list[int]:
    detector = ShotDetector()
    return [index for index, frame in enumerate(frames) if detector.update(thumbnail(frame))]


def test_every_cut_is_found_at_its_first_frame() -> None:
    assert cuts([scene(1)] * 10 + [scene(2)] * 3 + [scene(1)] * 10) == [10, 13]


def test_a_jump_in_the_same_setting_is_a_cut() -> None:
    before, after = scene(1), scene(1)
    after[60:300, 150:450] = scene(3)[60:300, 150:450]
    assert cuts([before] * 10 + [after] * 10) == [10]


@pytest.mark.parametrize("gain", [0.0, 0.3, 1.6, 4.0, 20.0])
def test_a_flash_or_a_dark_frame_is_no_cut(gain: float) -> None:
    flash = [lit(scene(1), gain)]
    assert cuts([scene(1)] * 8 + flash + [scene(1)] * 8 + flash * 2 + [scene(1)] * 8) == []


def test_a_pan_is_no_cut() -> None:
    assert cuts([scene(1, shift) for shift in [*[0] * 5, *range(0, 100, 12), *[100] * 5]]) == []


def test_somebody_crossing_the_picture_is_no_cut() -> None:
    frames = []
    for left in range(-200, 640, 40):
        frame = scene(1)
        frame[40:, max(left, 0) : max(left + 200, 0)] = (40, 60, 90)
        frames.append(frame)
    assert cuts(frames) == []


def test_a_fade_through_black_gives_one_cut() -> None:
    down = [lit(scene(1), gain) for gain in (1, 1, 1, 0.8, 0.6, 0.4, 0.2)]
    up = [lit(scene(2), gain) for gain in (0.2, 0.4, 0.6, 0.8, 1, 1, 1)]
    assert len(cuts(down + [lit(scene(1), 0)] * 2 + up)) == 1


def test_noise_is_no_cut() -> None:
    random = np.random.default_rng(5)
    noisy = [np.clip(scene(1) + random.normal(0, 12, (360, 640, 3)), 0, 255).astype(np.uint8) for _ in range(12)]
    assert cuts(noisy) == []
