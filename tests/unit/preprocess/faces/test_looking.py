from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from red_faces import FPS, HEIGHT, WIDTH, Box, RedFaces, write_red_clip

from services.common.errors import MediaUnreadable
from services.common.messages import FaceBox, FacesAnswer
from services.common.speakers import parse_speaker
from services.preprocess.faces.looking import LOOKS, looks
from services.preprocess.faces.speaker import SpeakerChooser
from services.preprocess.faces.tracks import TrackedFace

LEFT, RIGHT, AT_THE_EDGE = (8, 8, 16, 24), (56, 16, 24, 32), (80, 16, 16, 16)


def looked(video: Path, at_s: float = 0.0) -> list[FacesAnswer]:
    return list(looks(video, RedFaces(), at_s))


def edges(box: FaceBox) -> list[float]:
    return [box.x, box.y, box.w, box.h]


def test_the_faces_of_the_asked_frame_come_first_the_largest_first(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "two.mp4", 30, lambda index: [LEFT, RIGHT] if index < 10 else [])

    first = looked(video)[0]

    assert (first.width, first.height, first.at_s) == (WIDTH, HEIGHT, 0.0)
    np.testing.assert_allclose([edges(box) for box in first.faces], [RIGHT, LEFT], atol=2)


def test_the_frame_that_is_shown_at_the_time_is_looked_at(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "second.mp4", 30, lambda index: [LEFT] if index == 12 else [], keyframe_every=8)

    told = [(looked(video, at_s)[0].at_s, len(looked(video, at_s)[0].faces)) for at_s in (0.45, 0.48, 0.51, 0.52)]

    assert told == [(11 / FPS, 0), (12 / FPS, 1), (12 / FPS, 1), (13 / FPS, 0)]


def test_the_last_frame_stands_for_times_after_the_end(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "short.mp4", 10, lambda index: [LEFT] if index == 9 else [])

    assert [(look.at_s, len(look.faces)) for look in looked(video, 1e6)] == [(9 / FPS, 1)]


@pytest.mark.parametrize("keyframe_every", [1, 12, 250])
def test_who_comes_later_is_found_at_the_time_that_is_told(tmp_path: Path, keyframe_every: int) -> None:
    video = write_red_clip(tmp_path / "later.mp4", 100, lambda index: [RIGHT] if index > 20 else [], keyframe_every)

    found = next(look for look in looked(video) if look.faces)

    assert looked(video, found.at_s)[0] == found
    assert 20 / FPS < found.at_s < 2.0


def test_a_time_that_was_told_names_the_same_frame_again(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "ntsc.mp4", 40, lambda index: [], time_base=Fraction(1001, 30000))

    told = [look.at_s for look in looked(video)]

    assert [looked(video, at_s)[0].at_s for at_s in told] == told


def test_few_frames_are_searched_and_decoding_never_goes_far(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "long.mp4", 500, lambda index: [LEFT] if index >= 300 else [], keyframe_every=600)
    detector = RedFaces()

    later, last = list(looks(video, detector, 16.0)), looked(video)[-1]

    assert 0 < detector.shown <= LOOKS
    assert {look.at_s for look in later} == {240 / FPS}  # of one keyframe only what is near it can be reached
    assert last.at_s == 240 / FPS


def test_boxes_end_where_the_picture_does(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "edge.mp4", 2, lambda index: [AT_THE_EDGE])

    (box,) = looked(video)[0].faces

    assert box.x + box.w == WIDTH


@pytest.mark.parametrize(
    "faces", [[LEFT, RIGHT], [AT_THE_EDGE, LEFT], [(8, 8, 24, 24), (36, 8, 20, 40), (60, 8, 16, 16)]]
)
def test_a_point_in_the_middle_of_a_box_chooses_its_face(tmp_path: Path, faces: Sequence[Box]) -> None:
    video = write_red_clip(tmp_path / "several.mp4", 2, lambda index: faces)
    detector = RedFaces()
    answer = next(looks(video, detector, 0.0))
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for left, top, width, height in faces:
        picture[top : top + height, left : left + width] = (220, 20, 20)
    tracked = [TrackedFace(face, track) for track, face in enumerate(detector.detect(picture))]

    middles = [((box.x + box.w / 2) / WIDTH, (box.y + box.h / 2) / HEIGHT) for box in answer.faces]
    choosers = [SpeakerChooser(parse_speaker(f"point:{x},{y}")) for x, y in middles]
    chosen = [chooser.choose(0, 0, tracked, (WIDTH, HEIGHT)) for chooser in choosers]

    assert [face and face.track for face in chosen] == list(range(len(faces)))


def test_a_turned_video_is_measured_upright(tmp_path: Path) -> None:
    video = write_red_clip(tmp_path / "turned.mp4", 2, lambda index: [LEFT], rotation_ccw_deg=90)

    first = looked(video)[0]

    left, top, width, height = LEFT
    assert (first.width, first.height) == (HEIGHT, WIDTH)
    np.testing.assert_allclose(edges(first.faces[0]), [top, WIDTH - left - width, height, width], atol=2)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)))

    with pytest.raises(MediaUnreadable):
        looked(tmp_path / "noise.mp4")
