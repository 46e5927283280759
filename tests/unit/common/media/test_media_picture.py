"""Looking at a picture in RGB and blending into it."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.media.color import ColorTags
from services.common.media.formats import WORKING_FORMATS, WorkingFormat, layout_of
from services.common.media.picture import Picture, Roi, mean_over_steps

TAGS = {
    "709": ColorTags(1, 1, 1, 1),
    "601": ColorTags(6, 6, 6, 1),
    "2020": ColorTags(9, 14, 9, 1),
    "full": ColorTags(1, 1, 1, 2),
    "untagged": ColorTags(),
}
LUMA_WEIGHTS = {"709": (0.2126, 0.0722), "601": (0.299, 0.114), "2020": (0.2627, 0.0593), "full": (0.2126, 0.0722)}


def picture_of(rgb_hwc: NDArray[np.uint8], working_format: WorkingFormat, tags: ColorTags) -> Picture:
    planes = tuple(np.ascontiguousarray(rgb_hwc[:, :, channel]) for channel in (1, 2, 0))
    return Picture(3, 42, planes, "gbrp", tags).converted(working_format)


def noise_picture(working_format: WorkingFormat, width: int = 80, height: int = 64) -> Picture:
    layout, source = layout_of(working_format), np.random.default_rng(7)
    planes = []
    for plane in range(3):
        step_x, step_y = layout.steps(plane)
        samples = source.integers(0, 1 << layout.bits, (height // step_y, width // step_x))
        planes.append(samples.astype(np.uint8 if layout.bits == 8 else np.uint16))
    return Picture(0, 0, tuple(planes), working_format, ColorTags())


def smooth_rgb(width: int = 96, height: int = 80) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(3).integers(30, 226, (5, 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("tags", ["709", "601", "2020", "full"])
@pytest.mark.parametrize("working_format", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize("rgb", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120), (255, 255, 255), (0, 0, 0)])
def test_solid_colours_become_the_yuv_of_the_standard(
    tags: str, working_format: WorkingFormat, rgb: tuple[int, int, int]
) -> None:
    picture = picture_of(np.full((32, 48, 3), rgb, np.uint8), working_format, TAGS[tags])
    kr, kb = LUMA_WEIGHTS[tags]
    red, green, blue = (value / 255 for value in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    scale = 1 << (layout_of(working_format).bits - 8)
    black, luma_span, chroma_span = (0, 255.75 if scale == 4 else 255, 255) if tags == "full" else (16, 219, 224)
    expected = [
        black + luma_span * luma,
        128 + chroma_span * (blue - luma) / (2 * (1 - kb)),
        128 + chroma_span * (red - luma) / (2 * (1 - kr)),
    ]
    found = [float(plane[10, 10]) / scale for plane in picture.planes]
    np.testing.assert_allclose(found, expected, atol=1.3)


@pytest.mark.parametrize("tags", list(TAGS))
@pytest.mark.parametrize("working_format", WORKING_FORMATS)
def test_rgb_survives_the_round_trip(tags: str, working_format: WorkingFormat) -> None:
    rgb = smooth_rgb()
    back = picture_of(rgb, working_format, TAGS[tags]).rgb(Roi(0, 0, 96, 80))
    error = back.astype(float) - rgb
    assert np.abs(error).mean() < 1.2
    assert np.abs(error.mean(axis=(0, 1))).max() < (1 if tags == "full" else 0.2)


def test_untagged_pictures_follow_their_height() -> None:
    rgb = np.full((720, 32, 3), (220, 40, 60), np.uint8)
    assert (
        picture_of(rgb, "yuv444p", ColorTags()).planes[0][0, 0]
        == picture_of(rgb, "yuv444p", TAGS["709"]).planes[0][0, 0]
    )
    low = rgb[:576]
    assert (
        picture_of(low, "yuv444p", ColorTags()).planes[0][0, 0]
        == picture_of(low, "yuv444p", TAGS["601"]).planes[0][0, 0]
    )


@pytest.mark.parametrize("working_format", WORKING_FORMATS)
@pytest.mark.parametrize("roi", [Roi(0, 0, 96, 80), Roi(13, 21, 37, 29), Roi(95, 79, 1, 1), Roi(0, 0, 5, 3)])
def test_a_region_is_the_same_as_in_the_whole_picture(working_format: WorkingFormat, roi: Roi) -> None:
    picture = picture_of(smooth_rgb(), working_format, TAGS["709"])
    whole = picture.rgb(Roi(0, 0, 96, 80))
    part = picture.rgb(roi)
    assert part.flags.c_contiguous
    assert part.dtype == np.uint8
    assert np.array_equal(part, whole[roi.slices()])


def test_the_fast_whole_picture_stays_near_the_accurate_region() -> None:
    picture = picture_of(smooth_rgb(), "yuv420p", TAGS["709"])
    fast = picture.rgb()
    assert np.abs(fast.astype(float) - picture.rgb(Roi(0, 0, 96, 80))).mean() < 3


@pytest.mark.parametrize("rounding", ["nearest", "truncate"])
@pytest.mark.parametrize("working_format", WORKING_FORMATS)
def test_samples_without_alpha_are_the_source_bit_for_bit(working_format: WorkingFormat, rounding: str) -> None:
    picture = noise_picture(working_format)
    before = [plane.copy() for plane in picture.planes]
    roi = Roi(11, 7, 43, 39)
    alpha = np.zeros((39, 43), np.float32)
    alpha[5:30, 8:33] = np.random.default_rng(1).random((25, 25), np.float32) * 0.9 + 0.1
    face = np.random.default_rng(2).random((39, 43, 3), np.float32) * 255
    blended = picture.blended(roi, face, alpha, rounding)

    layout = layout_of(working_format)
    whole = np.zeros((64, 80), np.float32)
    whole[roi.slices()] = alpha
    for index, (plane, original, after) in enumerate(zip(picture.planes, before, blended.planes, strict=True)):
        touched = mean_over_steps(whole, *layout.steps(index)) > 0
        assert np.array_equal(plane, original)
        assert np.array_equal(after[~touched], original[~touched])
        assert (after[touched] != original[touched]).mean() > 0.8
        assert (after.dtype, after.shape) == (original.dtype, original.shape)
    assert (blended.index, blended.pts, blended.format, blended.color) == (0, 0, working_format, picture.color)


@pytest.mark.parametrize("working_format", WORKING_FORMATS)
def test_full_alpha_shows_the_face(working_format: WorkingFormat) -> None:
    picture = picture_of(np.full((120, 140, 3), 60, np.uint8), working_format, TAGS["709"])
    face = smooth_rgb(96, 80)
    blended = picture.blended(Roi(20, 10, 96, 80), face.astype(np.float32), np.ones((80, 96), np.float32))
    inside = blended.rgb(Roi(22, 12, 92, 76)).astype(float) - face[2:78, 2:94]
    assert np.abs(inside).mean() < 1.2


def test_rgb_pictures_blend_by_the_references_formula() -> None:
    picture = noise_picture("gbrp", 16, 8)
    frame = picture.rgb().astype(np.float32)
    source = np.random.default_rng(5)
    face, alpha = source.random((8, 16, 3), np.float32) * 255, source.random((8, 16), np.float32)
    soft = alpha[:, :, None]
    expected = soft * face + (1 - soft) * frame
    whole = Roi(0, 0, 16, 8)
    assert np.array_equal(picture.blended(whole, face, alpha, "truncate").rgb(), expected.astype(np.uint8))
    assert np.array_equal(picture.blended(whole, face, alpha, "nearest").rgb(), np.rint(expected).astype(np.uint8))


def test_an_empty_region_changes_nothing() -> None:
    picture = noise_picture("yuv420p")
    empty = np.zeros((0, 5), np.float32)
    assert picture.blended(Roi(3, 3, 5, 0), np.zeros((0, 5, 3), np.float32), empty) is picture


def test_planes_cannot_be_written() -> None:
    blended = noise_picture("yuv420p").blended(
        Roi(0, 0, 4, 4), np.zeros((4, 4, 3), np.float32), np.ones((4, 4), np.float32)
    )
    with pytest.raises(ValueError, match="read-only"):
        blended.planes[0][0, 0] = 1


def test_regions_clip_grow_and_align() -> None:
    roi = Roi(-3, 5, 10, 7)
    assert roi.clipped(100, 8) == Roi(0, 5, 7, 3)
    assert roi.grown(2) == Roi(-5, 3, 14, 11)
    assert Roi(3, 5, 4, 4).aligned(2, 2) == Roi(2, 4, 6, 6)
    assert Roi(200, 5, 10, 7).clipped(100, 80).w == 0
