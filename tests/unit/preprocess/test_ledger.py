from fractions import Fraction

import numpy as np
import pytest

from services.common.chunk_files import PASSED_THROUGH, Outcome
from services.preprocess.face_frames import FaceFrame
from services.preprocess.ledger import Ledger
from services.preprocess.plan import Window, source_timeline

FRAMES = 5


@pytest.fixture
def ledger() -> Ledger:
    """Frames at 0, 6, 12, 18 and 24 s, the last one 3 s long: segments of frames 0–1, 2–3 and 4."""
    return Ledger(source_timeline(np.arange(FRAMES) * 6, 3, Fraction(1)))


def face(index: int, track: int | None = 1) -> FaceFrame:
    return FaceFrame(index, Outcome.DUBBED, matrix=np.full((2, 3), float(index)), run=0, track=track)


def faceless(index: int, outcome: Outcome = Outcome.NO_FACE) -> FaceFrame:
    return FaceFrame(index, outcome)


def decided(ledger: Ledger) -> list[int]:
    return [segment for segment, _ in ledger.decided()]


def test_frames_that_pass_through_are_decided_as_they_come(ledger: Ledger) -> None:
    ledger.enter(faceless(0))
    after_one = decided(ledger)
    ledger.enter(faceless(1))

    assert (after_one, decided(ledger)) == ([], [0])


def test_a_face_is_decided_by_its_chunk_only(ledger: Ledger) -> None:
    for index in (0, 1):
        ledger.enter(face(index))
    before = decided(ledger)
    ledger.assign(0, Window((face(0), face(1))))

    assert (before, decided(ledger)) == ([], [0])


def test_segments_are_told_in_order_and_once(ledger: Ledger) -> None:
    ledger.enter(face(0))
    for index in range(1, FRAMES):
        ledger.enter(faceless(index))
    blocked = decided(ledger)
    ledger.assign(0, Window((face(0),)))

    assert ledger.segments == 3
    assert (blocked, decided(ledger), decided(ledger)) == ([], [0, 1, 2], [])


def test_context_stays_with_the_chunk_that_delivered_it(ledger: Ledger) -> None:
    faces = tuple(map(face, range(FRAMES)))
    for frame in faces:
        ledger.enter(frame)
    ledger.assign(7, Window(faces[:3]))
    ledger.assign(8, Window(faces[1:], context=2))

    manifests = [manifest for _, manifest in ledger.decided()]

    assert np.concatenate([m.chunk for m in manifests]).tolist() == [7, 7, 7, 8, 8]
    assert np.concatenate([m.row for m in manifests]).tolist() == [0, 1, 2, 2, 3]
    assert [m.chunks for m in manifests] == [(7,), (7, 8), (8,)]


def test_a_window_lies_in_the_segments_of_its_own_frames(ledger: Ledger) -> None:
    faces = tuple(map(face, range(FRAMES)))

    assert ledger.segments_of(Window(faces[:2])) == (0,)
    assert ledger.segments_of(Window(faces[1:3])) == (0, 1)
    assert ledger.segments_of(Window(faces, context=4)) == (2,)
    assert ledger.segments_of(Window(faces)) == (0, 1, 2)


def test_manifests_cover_the_timeline_without_a_gap(ledger: Ledger) -> None:
    for index in range(FRAMES):
        ledger.enter(faceless(index))

    manifests = [manifest for _, manifest in ledger.decided()]

    assert [m.first_frame for m in manifests] == [0, 2, 4]
    assert [m.pts.tolist() for m in manifests] == [[0, 6], [12, 18], [24]]
    assert [m.source.tolist() for m in manifests] == [[0, 1], [2, 3], [4]]
    assert [m.next_pts for m in manifests] == [12, 24, 27]


def test_a_manifest_tells_where_each_face_goes_and_why_a_frame_has_none(ledger: Ledger) -> None:
    ledger.enter(faceless(0, Outcome.FACE_TURNED_AWAY))
    ledger.enter(face(1, track=4))
    ledger.assign(2, Window((face(1),)))

    ((_, manifest),) = ledger.decided()

    assert manifest.chunk.tolist() == [PASSED_THROUGH, 2]
    assert manifest.outcome.tolist() == [Outcome.FACE_TURNED_AWAY, Outcome.DUBBED]
    assert manifest.track.tolist() == [-1, 4]
    assert np.isnan(manifest.matrices[0]).all()
    assert (manifest.matrices[1] == 1.0).all()


def test_outcomes_are_counted_by_kind(ledger: Ledger) -> None:
    for frame in (face(0), faceless(1), faceless(2, Outcome.NOT_WANTED), faceless(3), face(4, track=None)):
        ledger.enter(frame)

    counted = {outcome: count for outcome, count in ledger.outcomes().items() if count}

    assert counted == {Outcome.DUBBED: 2, Outcome.NO_FACE: 2, Outcome.NOT_WANTED: 1}
    assert set(ledger.outcomes()) == set(Outcome)
