"""What is blended into the frame, and where."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.face_geometry import crop_size_wh
from services.common.face_mask import face_mask
from services.common.media.color import ColorTags
from services.common.media.formats import WorkingFormat
from services.common.media.picture import Picture
from services.composite.paste import Patch, reference_patch, studio_patch

FRAME_WH = (320, 240)


def placed(resolution: int, height_px: float, angle_deg: float, x: float, y: float) -> NDArray[np.float64]:
    """Frame px → crop px of a face whose crop is `height_px` high, rolled, centred at (x, y)."""
    width, height = crop_size_wh(resolution)
    angle = np.deg2rad(angle_deg)
    linear = height / height_px * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, np.array([width, height]) / 2 - linear @ (x, y)])


def noise_picture(working_format: WorkingFormat = "gbrp") -> Picture:
    width, height = FRAME_WH
    random = np.random.default_rng(0)
    step = 2 if working_format == "yuv420p" else 1
    sizes = [(height, width)] + 2 * [(height // step, width // step)]
    planes = tuple(random.integers(16, 236, size, dtype=np.uint8) for size in sizes)
    return Picture(0, 0, planes, working_format, ColorTags())


def noise_face(resolution: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (resolution, resolution, 3), dtype=np.uint8)


def smooth_face(resolution: int) -> NDArray[np.uint8]:
    ramp = np.linspace(30, 220, resolution)
    face = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], (ramp[:, None] + ramp) / 2), axis=-1)
    return np.rint(face).astype(np.uint8)


def keep_weight(matrix: NDArray[np.float64], resolution: int) -> NDArray[np.float32]:
    """H×W: 1 where the nearest pixel of the face is one the networks were told to keep, or none."""
    stretch = resolution / np.array(crop_size_wh(resolution))
    columns, rows = np.meshgrid(np.arange(FRAME_WH[0]), np.arange(FRAME_WH[1]))
    crop = np.stack([columns, rows], axis=-1) @ matrix[:, :2].T + matrix[:, 2]
    x, y = np.moveaxis(np.rint((crop + 0.5) * stretch - 0.5), -1, 0).astype(np.float32)
    keep = (face_mask(resolution) >= 0.5).astype(np.float32)
    return np.asarray(cv2.remap(keep, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=1))


PLACES = [
    pytest.param(128, 140.0, 0.0, 160.0, 120.0, id="128 same size"),
    pytest.param(128, 230.0, 17.0, 155.5, 120.3, id="128 grows"),
    pytest.param(256, 120.0, -31.0, 160.0, 120.0, id="256 shrinks"),
    pytest.param(512, 60.0, 8.0, 160.0, 120.0, id="512 shrinks much"),
    pytest.param(256, 200.0, 0.0, 310.0, 60.0, id="over the edge"),
]


@pytest.mark.parametrize(("resolution", "height_px", "angle_deg", "x", "y"), PLACES)
def test_studio_changes_nothing_the_networks_were_told_to_keep(
    resolution: int, height_px: float, angle_deg: float, x: float, y: float
) -> None:
    matrix = placed(resolution, height_px, angle_deg, x, y)
    patch = studio_patch(noise_face(resolution), matrix, resolution, FRAME_WH)
    kept = keep_weight(matrix, resolution)[patch.roi.slices()] == 1
    assert patch.alpha.max() > 0.9
    assert not patch.alpha[kept].any()


@pytest.mark.parametrize(("resolution", "height_px", "angle_deg", "x", "y"), PLACES)
def test_studio_patch_ends_softly_inside_its_rectangle(
    resolution: int, height_px: float, angle_deg: float, x: float, y: float
) -> None:
    patch = studio_patch(noise_face(resolution), placed(resolution, height_px, angle_deg, x, y), resolution, FRAME_WH)
    at_frame_edge = {
        "left": patch.roi.x == 0,
        "top": patch.roi.y == 0,
        "right": patch.roi.right == FRAME_WH[0],
        "bottom": patch.roi.bottom == FRAME_WH[1],
    }
    edges = {"left": patch.alpha[:, 0], "top": patch.alpha[0], "right": patch.alpha[:, -1], "bottom": patch.alpha[-1]}
    assert not any(edges[side].any() for side in edges if not at_frame_edge[side])


def test_studio_shows_the_face_where_the_alignment_says_it_is() -> None:
    resolution = 256
    matrix = placed(resolution, 180, 20, 160, 120)
    patch = studio_patch(smooth_face(resolution), matrix, resolution, FRAME_WH)
    stretch = resolution / np.array(crop_size_wh(resolution))
    columns, rows = np.meshgrid(np.arange(patch.roi.x, patch.roi.right), np.arange(patch.roi.y, patch.roi.bottom))
    crop = np.stack([columns, rows], axis=-1) @ matrix[:, :2].T + matrix[:, 2]
    x, y = np.moveaxis((crop + 0.5) * stretch - 0.5, -1, 0)
    shown = patch.alpha > 0
    level_per_px = 190 / (resolution - 1)
    np.testing.assert_allclose(patch.face_rgb[..., 0][shown], (30 + level_per_px * y)[shown], atol=1.0)
    np.testing.assert_allclose(patch.face_rgb[..., 1][shown], (30 + level_per_px * x)[shown], atol=1.0)


def test_studio_does_not_alias_when_the_face_shrinks() -> None:
    resolution = 512
    stripes = np.zeros((resolution, resolution, 3), np.uint8)
    stripes[:, ::2] = 255
    patch = studio_patch(stripes, placed(resolution, 140, 0, 160, 120), resolution, FRAME_WH)
    shown = patch.face_rgb[patch.alpha > 0.5]
    assert np.abs(shown - 127.5).max() < 8


def test_studio_keeps_a_face_sharp_when_it_does_not_shrink() -> None:
    resolution = 128
    stripes = np.zeros((resolution, resolution, 3), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    patch = studio_patch(stripes, placed(resolution, 190, 0, 160, 120), resolution, FRAME_WH)
    assert patch.face_rgb[patch.alpha > 0.5].std() > 100


def test_patches_stay_within_the_range_of_levels() -> None:
    matrix = placed(128, 230, 17, 160, 120)
    studio = studio_patch(noise_face(128), matrix, 128, FRAME_WH)
    overshooting = np.random.default_rng(2).uniform(-1.5, 1.5, (3, 128, 128)).astype(np.float32)
    reference = reference_patch(overshooting, matrix, 128, FRAME_WH)
    for patch in (studio, reference):
        assert patch.face_rgb.dtype == patch.alpha.dtype == np.float32
        assert patch.face_rgb.shape == (patch.roi.h, patch.roi.w, 3)
        assert patch.face_rgb.min() >= 0
        assert patch.face_rgb.max() <= 255
        assert patch.alpha.min() >= 0
        assert patch.alpha.max() <= 1 + 1e-6


def outside_the_frame() -> list[Patch]:
    matrix = placed(128, 140, 0, -400, 120)
    return [
        studio_patch(noise_face(128), matrix, 128, FRAME_WH),
        reference_patch(np.zeros((3, 128, 128), np.float32), matrix, 128, FRAME_WH),
    ]


def test_a_face_outside_the_frame_leaves_the_picture_as_it_is() -> None:
    picture = noise_picture()
    assert all(patch.onto(picture, "nearest") is picture for patch in outside_the_frame())


@pytest.mark.parametrize("working_format", ["gbrp", "yuv420p"])
def test_a_source_face_pasted_by_studio_changes_only_pixels_of_the_mouth(working_format: WorkingFormat) -> None:
    matrix = placed(128, 160, 12, 160, 120)
    picture = noise_picture(working_format)
    patch = studio_patch(noise_face(128), matrix, 128, FRAME_WH)
    after = patch.onto(picture, "nearest")
    changed = after.planes[0] != picture.planes[0]
    shown = np.zeros(FRAME_WH[::-1], bool)
    shown[patch.roi.slices()] = patch.alpha > 0
    assert changed.any()
    assert not changed[~shown].any()


def test_patches_depend_on_nothing_but_their_inputs() -> None:
    matrix, face = placed(256, 200, 5, 160, 120), noise_face(256)
    first = studio_patch(face, matrix, 256, FRAME_WH)
    cv2.setNumThreads(1)
    second = studio_patch(face.copy(), matrix.copy(), 256, FRAME_WH)
    np.testing.assert_array_equal(first.face_rgb, second.face_rgb)
    np.testing.assert_array_equal(first.alpha, second.alpha)
