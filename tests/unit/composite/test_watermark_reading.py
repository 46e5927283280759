"""What is read of a watermark after what happens to files on their way."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.watermark import Attack, write_clip
from services.common.media.decode import read_pictures
from services.common.media.picture import Picture
from services.common.media.planes import Plane
from services.common.media.probe import probe_video
from services.common.provenance.frames_to_read import lumas_to_read
from services.common.provenance.reading import read_watermark
from services.composite.watermark import watermarked

PAYLOAD = 0x0193_5C8E_27B1_7F4D
FRAMES = 16


@pytest.fixture(scope="module")
def unmarked() -> list[Picture]:
    sample = Path(__file__).resolve().parents[3] / "samples" / "talking_head.mp4"
    return list(read_pictures(sample, probe_video(sample), range(FRAMES)))


@pytest.fixture(scope="module")
def marked(unmarked: list[Picture]) -> list[Picture]:
    return [watermarked(picture, PAYLOAD) for picture in unmarked]


def payload_of(lumas: Sequence[Plane]) -> int | None:
    reading = read_watermark(lumas)
    return reading and reading.payload


def lumas(pictures: Sequence[Picture], attack: Attack | None = None) -> list[Plane]:
    attack = attack or Attack("none")
    size_wh = attack.size_wh(pictures[0].width, pictures[0].height)
    return [attack.on(picture.planes[0], size_wh) for picture in pictures]


@pytest.mark.parametrize(
    "attack",
    [
        Attack("compressed", crf=28),
        Attack("cropped and compressed", crf=28, crop_ltrb=(0.1, 0.1, 0, 0)),
        Attack("enlarged and compressed", crf=28, scale=1.5),
    ],
    ids=lambda attack: str(attack.name),
)
def test_it_survives_in_a_file(attack: Attack, marked: list[Picture], tmp_path: Path) -> None:
    file = tmp_path / "attacked.mp4"
    write_clip(file, marked, attack.crf, attack)

    reading = read_watermark(lumas_to_read(file, probe_video(file)))

    assert reading is not None
    assert (reading.payload, reading.bit_error_rate < 0.25) == (PAYLOAD, True)


@pytest.mark.parametrize("crop_ltrb", [(0.1, 0, 0, 0), (0, 0.1, 0, 0), (0, 0, 0.1, 0), (0, 0, 0, 0.1), (0.1,) * 4])
def test_it_survives_cropping_any_side_of_a_frame_half_as_large(
    crop_ltrb: tuple[float, float, float, float], marked: list[Picture]
) -> None:
    assert payload_of(lumas(marked[:8], Attack("", scale=0.5, crop_ltrb=crop_ltrb))) == PAYLOAD


def test_it_survives_cropping_one_side_and_stretching_the_rest_to_the_old_size(marked: list[Picture]) -> None:
    cut = [cv2.resize(luma[40:], (512, 512), interpolation=cv2.INTER_CUBIC) for luma in lumas(marked[:8])]

    assert payload_of([np.asarray(luma, np.uint8) for luma in cut]) == PAYLOAD


def test_one_marked_run_among_unmarked_ones_is_enough(marked: list[Picture], unmarked: list[Picture]) -> None:
    assert payload_of(lumas(unmarked[:8]) * 3 + lumas(marked[8:])) == PAYLOAD


def test_ten_bits_are_read(marked: list[Picture]) -> None:
    assert payload_of([luma.astype(np.uint16) * 4 for luma in lumas(marked[:8])]) == PAYLOAD


def test_unmarked_frames_carry_nothing(unmarked: list[Picture]) -> None:
    assert read_watermark(lumas(unmarked[:8])) is None


def test_stripes_and_checks_are_no_mark() -> None:
    rows, columns = np.mgrid[:512, :512]
    stripes = [np.where(np.sin(columns / 3 + shift) > 0, 90, 160).astype(np.uint8) for shift in range(4)]
    checks = [np.where((rows // 8 + columns // 8) % 2, 90, 160 + shift).astype(np.uint8) for shift in range(4)]

    assert read_watermark(stripes + checks) is None


def test_no_frames_carry_nothing() -> None:
    assert read_watermark([]) is None
