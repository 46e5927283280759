from collections.abc import Sequence

from drawn_people import ANNA, BEN, CARA, Person, face_at, frame_with

from services.preprocess.faces.tracks import LOST_AFTER_FRAMES, FaceTracker

Placed = tuple[Person, float, float]


def seen(tracker: FaceTracker, index: int, people: Sequence[Placed], hidden: Sequence[Person] = (), shot: int = 0):
    """Track number of every person who is found in this frame."""
    found = [placed for placed in people if placed[0] not in hidden]
    tracked = tracker.update(index, shot, frame_with(*people), [face_at(x, y) for _, x, y in found])
    return {person: face.track for (person, _, _), face in zip(found, tracked, strict=True)}


def test_numbers_follow_the_order_of_appearance() -> None:
    tracker = FaceTracker()
    assert seen(tracker, 0, [(ANNA, 80, 80)]) == {ANNA: 1}
    assert seen(tracker, 1, [(BEN, 300, 80), (ANNA, 82, 80)]) == {BEN: 2, ANNA: 1}


def test_identities_survive_a_crossing() -> None:
    tracker = FaceTracker()
    for index in range(41):
        step = 6 * index
        people = [(ANNA, 80 + step, 80), (BEN, 320 - step, 84)]
        hidden = [ANNA] if abs(people[0][1] - people[1][1]) < 36 else []
        numbers = seen(tracker, index, people, hidden)
        assert numbers[BEN] == 2
        assert numbers.get(ANNA, 1) == 1


def test_identities_survive_people_who_meet_and_turn_back() -> None:
    tracker = FaceTracker()
    for index in range(41):
        step = 6 * min(index, 40 - index)
        people = [(ANNA, 80 + step, 80), (BEN, 320 - step, 84)]
        hidden = [ANNA] if abs(people[0][1] - people[1][1]) < 36 else []
        numbers = seen(tracker, index, people, hidden)
        assert numbers[BEN] == 2
        assert numbers.get(ANNA, 1) == 1


def test_a_hidden_person_keeps_the_number() -> None:
    tracker = FaceTracker()
    for index in range(20):
        hidden = [ANNA] if 6 <= index < 14 else []
        numbers = seen(tracker, index, [(ANNA, 80 + 3 * index, 80)], hidden)
        assert numbers == ({} if hidden else {ANNA: 1})


def test_a_person_who_comes_back_elsewhere_is_recognised() -> None:
    tracker = FaceTracker()
    seen(tracker, 0, [(ANNA, 80, 80), (BEN, 200, 80)])
    for index in range(1, 3 * LOST_AFTER_FRAMES):
        seen(tracker, index, [(BEN, 200, 80)])
    assert seen(tracker, 3 * LOST_AFTER_FRAMES, [(BEN, 200, 80), (ANNA, 330, 90)]) == {BEN: 2, ANNA: 1}


def test_somebody_else_in_the_same_place_gets_a_new_number() -> None:
    tracker = FaceTracker()
    seen(tracker, 0, [(ANNA, 80, 80)])
    assert seen(tracker, 5, [(CARA, 84, 80)]) == {CARA: 2}


def test_numbers_are_not_reused_after_a_cut() -> None:
    tracker = FaceTracker()
    seen(tracker, 0, [(ANNA, 80, 80)])
    assert seen(tracker, 1, [(ANNA, 80, 80)], shot=1) == {ANNA: 2}


def test_moving_faces_are_expected_where_they_are_heading() -> None:
    tracker = FaceTracker()
    for index in range(12):
        seen(tracker, index, [(ANNA, 80 + 5 * index, 80)])
    (box,) = tracker.expected_boxes(14, 0)
    assert abs((box[0] + box[2]) / 2 - (80 + 5 * 14)) < 2
    assert tracker.expected_boxes(14, 1) == []
    assert tracker.expected_boxes(12 + LOST_AFTER_FRAMES, 0) == []
