import pytest
from drawn_people import face_at

from services.common.errors import InvalidParameter
from services.common.speakers import AtPoint, InBox, Largest, OnTrack, Speaker, parse_speaker
from services.preprocess.faces.speaker import SpeakerChooser, choose_like_the_reference
from services.preprocess.faces.tracks import LOST_AFTER_FRAMES, TrackedFace

FRAME_WH = (400, 240)
LEFT = TrackedFace(face_at(80, 80, side=40), track=1)
RIGHT = TrackedFace(face_at(300, 80, side=60), track=2)


def chosen(chooser: SpeakerChooser, index: int, *faces: TrackedFace, shot: int = 0) -> int | None:
    tracked = chooser.choose(index, shot, faces, FRAME_WH)
    return tracked.track if tracked else None


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("largest", Largest()),
        ("point:0.3,0.4", AtPoint(0.3, 0.4)),
        ("box:0,0,0.5,1", InBox(0, 0, 0.5, 1)),
        ("track:2", OnTrack(2)),
    ],
)
def test_every_form_is_understood(text: str, speaker: Speaker) -> None:
    assert parse_speaker(text) == speaker


@pytest.mark.parametrize(
    "text",
    [
        *("", "all", "largest:1", "track:", "track:0", "track:-1", "track:x"),
        *("point:0.3", "point:0.3,1.2", "point:nan,0", "point:a,b", "point:0.1,0.2,0.3"),
        *("box:0,0,1", "box:0.5,0,0.2,1"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="speaker"):
        parse_speaker(text)


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("largest", 2),
        ("point:0.2,0.33", 1),
        ("box:0,0,0.5,1", 1),
        ("box:0,0,1,1", 2),
        ("track:1", 1),
        ("track:3", None),
    ],
)
def test_the_right_face_is_chosen(text: str, track: int | None) -> None:
    assert chosen(SpeakerChooser(parse_speaker(text)), 0, RIGHT, LEFT) == track


def test_a_point_between_faces_is_nobody() -> None:
    assert chosen(SpeakerChooser(AtPoint(0.5, 0.33)), 0, RIGHT, LEFT) is None


def test_the_speaker_stays_even_when_another_face_becomes_larger() -> None:
    chooser = SpeakerChooser(Largest())
    assert chosen(chooser, 0, LEFT) == 1
    assert chosen(chooser, 1, RIGHT, LEFT) == 1


def test_a_person_chosen_by_a_point_may_walk_away_from_it() -> None:
    chooser = SpeakerChooser(AtPoint(0.2, 0.33))
    assert chosen(chooser, 0, LEFT, RIGHT) == 1
    moved = TrackedFace(face_at(200, 80), track=1)
    stranger = TrackedFace(face_at(80, 80), track=3)
    assert chosen(chooser, 1, moved, stranger) == 1


def test_a_short_absence_does_not_hand_over_to_the_next_largest() -> None:
    chooser = SpeakerChooser(Largest())
    assert chosen(chooser, 0, RIGHT, LEFT) == 2
    assert chosen(chooser, LOST_AFTER_FRAMES, LEFT) is None
    assert chosen(chooser, LOST_AFTER_FRAMES + 1, LEFT) == 1


def test_a_speaker_chosen_by_place_is_waited_for() -> None:
    chooser = SpeakerChooser(AtPoint(0.2, 0.33))
    assert chosen(chooser, 0, LEFT, RIGHT) == 1
    assert chosen(chooser, 10 * LOST_AFTER_FRAMES, RIGHT) is None
    assert chosen(chooser, 10 * LOST_AFTER_FRAMES + 1, RIGHT, LEFT) == 1


def test_a_cut_starts_the_choice_anew() -> None:
    chooser = SpeakerChooser(Largest())
    assert chosen(chooser, 0, LEFT) == 1
    assert chosen(chooser, 1, RIGHT, LEFT, shot=1) == 2


def test_the_reference_takes_the_largest_acceptable_face_of_the_frame() -> None:
    small = TrackedFace(face_at(80, 80, side=79), track=1)
    fine = TrackedFace(face_at(80, 80, side=90), track=2)
    doubtful = TrackedFace(face_at(80, 80, side=120, score=0.4), track=3)
    assert choose_like_the_reference([small]) is None
    assert choose_like_the_reference([doubtful, fine, small]) is fine
