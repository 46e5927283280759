"""Marked frames: what is changed in them, and what is not."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.media.color import ColorTags
from services.common.media.decode import read_pictures
from services.common.media.formats import WorkingFormat
from services.common.media.picture import Picture
from services.common.media.probe import probe_video
from services.composite.watermark import watermarked

PAYLOAD = 0x0193_5C8E_27B1_7F4D


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    sample = Path(__file__).resolve().parents[3] / "samples" / "talking_head.mp4"
    return list(read_pictures(sample, probe_video(sample), range(6)))


def added(picture: Picture, payload: int = PAYLOAD) -> NDArray[np.float64]:
    """What marking adds to the luma, in levels of the picture's own bits."""
    return watermarked(picture, payload).planes[0].astype(np.float64) - picture.planes[0]


def noise(width: int, height: int, working_format: WorkingFormat) -> Picture:
    top, dtype = (1024, np.uint16) if working_format.endswith("10le") else (256, np.uint8)
    planes = tuple(np.random.default_rng(i).integers(0, top, (height, width)).astype(dtype) for i in range(3))
    return Picture(0, 0, planes, working_format, ColorTags())


def test_the_mark_is_far_below_what_is_seen(pictures: list[Picture]) -> None:
    for picture in [*pictures, noise(320, 180, "yuv444p")]:
        assert 10 * np.log10(255**2 / np.mean(added(picture) ** 2)) >= 42


def test_the_mark_does_not_flicker(pictures: list[Picture]) -> None:
    marks = [added(picture) for picture in pictures]

    assert np.mean([np.abs(after - before).mean() for before, after in pairwise(marks)]) < 0.02


def test_ten_bits_are_marked_as_strongly_as_eight() -> None:
    eight = Picture(0, 0, tuple(np.full((180, 320), 120, np.uint8) for _ in range(3)), "yuv444p", ColorTags())
    ten = Picture(0, 0, tuple(np.full((180, 320), 480, np.uint16) for _ in range(3)), "yuv444p10le", ColorTags())

    assert np.std(added(ten)) == pytest.approx(4 * np.std(added(eight)), rel=0.1)


@pytest.mark.parametrize("working_format", ["yuv444p", "yuv444p10le"])
def test_samples_stay_within_their_bits_and_chroma_as_it_is(working_format: WorkingFormat) -> None:
    picture = noise(200, 120, working_format)

    marked = watermarked(picture, PAYLOAD)

    assert marked.planes[0].max() < (1024 if working_format == "yuv444p10le" else 256)
    assert all(mine is its for mine, its in zip(marked.planes[1:], picture.planes[1:], strict=True))
    assert not marked.planes[0].flags.writeable


def test_an_rgb_picture_is_marked_in_all_its_planes_alike() -> None:
    grey = Picture(0, 0, tuple(np.full((120, 200), 120, np.uint8) for _ in range(3)), "gbrp", ColorTags())

    green, blue, red = watermarked(grey, PAYLOAD).planes

    assert np.array_equal(green, blue)
    assert np.array_equal(green, red)
    assert np.ptp(green) > 0


def test_black_bars_stay_black() -> None:
    luma = np.full((240, 320), 120, np.uint8)
    luma[:60], luma[180:] = 16, 16
    chroma = np.full((240, 320), 128, np.uint8)

    changed = added(Picture(0, 0, (luma, chroma, chroma), "yuv444p", ColorTags())) != 0

    assert changed[80:160].mean() > 0.2
    assert not changed[:40].any()
    assert not changed[200:].any()


def test_the_mark_is_the_payloads_own(pictures: list[Picture]) -> None:
    assert np.array_equal(added(pictures[0]), added(pictures[0]))
    assert np.corrcoef(added(pictures[0]).ravel(), added(pictures[0], ~PAYLOAD & (2**64 - 1)).ravel())[0, 1] < 0.7
