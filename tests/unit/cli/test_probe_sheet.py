import wave
from pathlib import Path

import numpy as np
import pytest

from cli.probe import CAPTION_PX, COLUMNS, THUMBNAIL_PX, Sighting, contact_sheet, probe
from services.common.errors import InvalidParameter, MediaNotFound

ROW_PX = THUMBNAIL_PX + CAPTION_PX


def sightings(count: int) -> list[Sighting]:
    """Tracks 1, 2, … with thumbnails of one colour each."""
    return [
        Sighting(
            track=number,
            shot=0,
            frames=list(range(10)),
            thumbnail=np.full((THUMBNAIL_PX, THUMBNAIL_PX, 3), (number * 10, 100, 200), np.uint8),
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (4, 4, 1), (5, 5, 1), (6, 5, 2), (11, 5, 3)])
def test_the_sheet_is_as_large_as_its_faces_need(count: int, columns: int, rows: int) -> None:
    assert contact_sheet(sightings(count)).shape == (rows * ROW_PX, columns * THUMBNAIL_PX, 3)


def test_faces_stand_in_reading_order_with_their_colours_unchanged() -> None:
    found = sightings(COLUMNS + 2)

    sheet = contact_sheet(found)

    for place, seen in enumerate(found):
        top, left = place // COLUMNS * ROW_PX, place % COLUMNS * THUMBNAIL_PX
        assert np.array_equal(sheet[top : top + THUMBNAIL_PX, left : left + THUMBNAIL_PX], seen.thumbnail)


def test_every_face_has_a_caption_of_its_own_under_it() -> None:
    sheet = contact_sheet(sightings(3))

    captions = np.split(sheet[THUMBNAIL_PX:], 3, axis=1)

    assert all(caption.max() > 200 for caption in captions)
    assert not np.array_equal(captions[0], captions[1])
    assert not np.array_equal(captions[1], captions[2])


def test_a_place_without_a_face_is_empty() -> None:
    sheet = contact_sheet(sightings(COLUMNS + 1))

    assert len(np.unique(sheet[ROW_PX:, THUMBNAIL_PX:])) == 1


@pytest.mark.parametrize("name", ["sheet.gif", "sheet"])
def test_a_sheet_that_is_no_picture_is_refused_before_the_file_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"\.jpg or \.png"):
        probe(tmp_path / "none.mp4", tmp_path / name)


def test_a_missing_file_leaves_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound):
        probe(tmp_path / "none.mp4", tmp_path / "sheet.png")

    assert not list(tmp_path.iterdir())


def test_a_sound_file_is_described_without_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with wave.open(str(tmp_path / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8_000))

    probe(tmp_path / "voice.wav", tmp_path / "sheet.png")

    assert "pcm_s16le, 16000 Hz, 1 ch, 0.500 s" in capsys.readouterr().out
    assert not (tmp_path / "sheet.png").exists()
