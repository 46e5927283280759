"""Compositing against the reference's own frames and intermediate results."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from services.common.face_geometry import crop_size_wh
from services.common.face_mask import face_mask
from services.common.media.color import ColorTags
from services.common.media.picture import Picture
from services.composite.paste import reference_patch
from services.composite.resize import resize_bicubic_antialias
from services.composite.soft_mask import soft_mask

SELECTED = [0, 1, 17, 39]
"""Frames of `affine_256`; the order of its stacked results."""

Tensors = dict[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def affine(golden: Path) -> Tensors:
    return load_file(golden / "affine_256.safetensors")


def picture(rgb_hwc: NDArray[np.uint8]) -> Picture:
    return Picture(0, 0, tuple(np.ascontiguousarray(rgb_hwc[..., c]) for c in (1, 2, 0)), "gbrp", ColorTags())


def restored(
    face_chw: NDArray[np.float32], matrix: NDArray[np.float32], frame_hwc: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    height, width, _ = frame_hwc.shape
    patch = reference_patch(face_chw, matrix, face_chw.shape[-1], (width, height))
    return patch.onto(picture(frame_hwc), "truncate").rgb()


def assert_same_frame(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], share: float) -> None:
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= share


@pytest.mark.parametrize("index", SELECTED)
def test_faces_are_resized_to_the_crop_like_the_references(affine: Tensors, index: int) -> None:
    face_hwc = affine[f"r256.gen_face_{index}"].transpose(1, 2, 0)
    resized = resize_bicubic_antialias(face_hwc.astype(np.float32), crop_size_wh(256))
    np.testing.assert_allclose(resized.transpose(2, 0, 1), affine[f"r256.gen_face_resized_{index}"], atol=1e-5)


@pytest.mark.parametrize(
    ("side", "size_wh"), [(128, (105, 140)), (256, (210, 280)), (512, (420, 560)), (300, (37, 611))]
)
def test_resizing_equals_torchs(side: int, size_wh: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    image = np.random.default_rng(0).standard_normal((side, side, 3)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image.transpose(2, 0, 1)[None].copy()),
        size=size_wh[::-1],
        mode="bicubic",
        antialias=True,
        align_corners=False,
    )
    np.testing.assert_allclose(resize_bicubic_antialias(image, size_wh), theirs[0].permute(1, 2, 0), atol=1e-5)


@pytest.mark.parametrize(("resolution", "row"), [*(("r256", row) for row in range(4)), ("r512", 0), ("r512", 1)])
def test_the_mask_has_the_references_numbers(affine: Tensors, golden: Path, resolution: str, row: int) -> None:
    expected = json.loads((golden / "affine.json").read_text())[f"{resolution}.f32"][row]
    matrix = affine["r256.f32.matrix"][SELECTED.index(expected["index"])].astype(np.float64)
    side = int(resolution[1:])
    mask = soft_mask(matrix * (side / 256), crop_size_wh(side), (480, 360))
    # The matrices of 512 px are not stored; they are those of 256 px doubled, but for a fraction of a pixel.
    assert mask.area_px == pytest.approx(expected["area"], rel=5e-4 if side == 512 else 1e-6)
    assert mask.edge_px == expected["w_edge"]


@pytest.mark.parametrize("row", range(4))
def test_the_soft_mask_is_the_references(affine: Tensors, row: int) -> None:
    assert_same_mask(affine, row, "soft", affine["r256.f32.soft_mask"][row], atol=5e-5)


@pytest.mark.parametrize(("step", "name"), [("eroded", "dbg_eroded_mask"), ("center", "dbg_center_mask")])
def test_the_steps_of_the_mask_are_the_references(affine: Tensors, step: str, name: str) -> None:
    assert_same_mask(affine, 0, step, affine[f"r256.{name}"], atol=2e-4)


def assert_same_mask(affine: Tensors, row: int, step: str, expected: NDArray[np.generic], atol: float) -> None:
    mask = soft_mask(affine["r256.f32.matrix"][row].astype(np.float64), crop_size_wh(256), (480, 360))
    whole = np.zeros((360, 480), np.float32)
    whole[mask.roi.slices()] = getattr(mask, step)
    np.testing.assert_allclose(whole, expected, atol=atol)


@pytest.mark.parametrize("row", range(4))
def test_frames_are_restored_like_the_references(affine: Tensors, row: int) -> None:
    face, frame = affine[f"r256.gen_face_{SELECTED[row]}"], affine["image_u8_hwc"]
    ours = restored(face.astype(np.float32), affine["r256.f32.matrix"][row].astype(np.float32), frame.astype(np.uint8))
    assert_same_frame(ours, affine["r256.f32.restored_u8"][row].astype(np.uint8), share=0.002)


def test_a_face_over_the_frames_edge_is_restored_like_the_references(affine: Tensors) -> None:
    face, frame = affine["r256.gen_face_0"].astype(np.float32), affine["image_u8_hwc"].astype(np.uint8)
    ours = restored(face, affine["edge.matrix"].astype(np.float32), frame)
    assert_same_frame(ours, affine["edge.restored_u8"].astype(np.uint8), share=0.002)


def test_a_whole_dub_is_composited_like_the_references(golden: Path) -> None:
    tensors = load_file(golden / "e2e_base.safetensors")
    frames = np.concatenate([tensors["frames_u8"], tensors["frames_u8"][::-1]])
    decoded = np.concatenate([tensors[f"decoded_{window}"] for window in range(3)])
    faces = tensors["faces_u8"].astype(np.float32) / 127.5 - 1
    pasted_back = decoded * (1 - face_mask(128)) + faces * face_mask(128)
    ours = np.stack(
        [
            restored(face, matrix, frame)
            for face, matrix, frame in zip(pasted_back.astype(np.float32), tensors["matrices"], frames, strict=True)
        ]
    )
    assert_same_frame(ours, tensors["out_frames_u8"], share=0.001)
