from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.speakers import Largest, OnTrack
from services.preprocess.align_stream import AlignedFrame, aligned_frames
from services.preprocess.alignment import ReferenceAlignment, align_matrix
from services.preprocess.faces.detector import Face
from services.preprocess.faces.observe import ObservedFrame
from services.preprocess.faces.tracks import TrackedFace

BLACK = np.zeros((480, 640, 3), dtype=np.uint8)


def face_of(triple: NDArray[np.float64]) -> Face:
    centre = triple.mean(axis=0)
    return Face(triple, np.concatenate([centre - 60, centre + 60]), 1.0)


def face_near(x: float, y: float = 200.0, size: float = 1.0) -> Face:
    shape = np.array([[-41.0, -20.0], [41.0, -20.0], [0.0, 20.0]]) * size
    return face_of(shape + np.array([x, y]))


def frame(index: int, *faces: tuple[int, Face], shot: int = 0, wanted: bool = True) -> ObservedFrame:
    return ObservedFrame(index, BLACK, shot, wanted, tuple(TrackedFace(face, track) for track, face in faces))


def studio(frames: list[ObservedFrame], speaker: Largest | OnTrack | None = None) -> list[AlignedFrame]:
    return list(aligned_frames(frames, speaker or Largest(), "studio", 256))


def test_frames_come_out_in_order_with_their_matrix_or_their_reason() -> None:
    present = [frame(index, (1, face_near(200 + index))) for index in range(9)]
    frames = [*present, frame(9), frame(10, wanted=False), frame(11, (1, face_near(210)))]
    result = studio(frames)
    assert [aligned.index for aligned in result] == list(range(12))
    assert [aligned.run for aligned in result] == [0] * 9 + [None, None, 1]
    assert [aligned.reason for aligned in result] == [None] * 9 + ["no_face", "not_wanted", None]
    assert all((aligned.matrix is None) == (aligned.reason is not None) for aligned in result)


def test_a_steady_face_gets_exactly_its_unrounded_alignment() -> None:
    triple = face_near(200.37).triple
    for aligned in studio([frame(index, (1, face_of(triple))) for index in range(10)]):
        assert aligned.matrix is not None
        np.testing.assert_allclose(aligned.matrix, align_matrix(triple, 256), atol=1e-9)


def test_smoothing_does_not_reach_across_a_cut() -> None:
    before = [frame(index, (1, face_near(100)), shot=0) for index in range(8)]
    after = [frame(index, (2, face_near(400)), shot=1) for index in range(8, 16)]
    result = studio(before + after)
    assert [aligned.run for aligned in result] == [0] * 8 + [1] * 8
    for aligned, x in zip(result, [100] * 8 + [400] * 8, strict=True):
        assert aligned.matrix is not None
        np.testing.assert_allclose(aligned.matrix, align_matrix(face_near(x).triple, 256), atol=1e-9)


def test_a_gap_in_the_frame_numbers_starts_a_new_run() -> None:
    result = studio([frame(index, (1, face_near(100))) for index in (0, 1, 5, 6)])
    assert [aligned.run for aligned in result] == [0, 0, 1, 1]


def test_other_peoples_faces_are_left_alone_while_the_speaker_is_away() -> None:
    frames = [frame(0, (1, face_near(100)), (2, face_near(400))), frame(1, (1, face_near(100)))]
    result = studio(frames, OnTrack(2))
    assert [aligned.track for aligned in result] == [2, None]
    assert result[1].reason == "speaker_absent"


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        (face_near(200, size=0.22), None),
        (face_near(200, size=0.20), "face_too_small"),
        (face_near(655, size=2), "face_out_of_frame"),
        (face_of(np.array([[190.0, 180.0], [210.0, 180.0], [235.0, 220.0]])), "face_turned_away"),
        (face_of(np.array([[160.0, 180.0], [240.0, 180.0], [200.0, 170.0]])), "face_turned_away"),
        (face_of(np.array([[240.0, 220.0], [160.0, 220.0], [200.0, 180.0]])), None),
    ],
    ids=["small", "smaller", "half outside", "profile", "seen from below", "upside down"],
)
def test_only_faces_that_can_be_dubbed_well_are_aligned(face: Face, reason: str | None) -> None:
    (aligned,) = studio([frame(0, (1, face))])
    assert aligned.reason == reason


def test_reference_mode_takes_the_largest_of_each_frame_with_rounding_and_carried_bias() -> None:
    small, large = face_near(100.4), face_near(400.6, size=1.3)
    wide = Face(large.triple, np.array([300.0, 100.0, 500.0, 300.0]), 1.0)
    alignment = ReferenceAlignment(256)
    frames = [frame(0, (1, small)), frame(1, (1, small), (2, wide)), frame(2), frame(3, (2, wide), shot=1)]
    result = list(aligned_frames(frames, Largest(), "reference", 256))
    assert [aligned.track for aligned in result] == [1, 2, None, 2]
    assert [aligned.run for aligned in result] == [0, 0, None, 1]
    for aligned, face in zip([result[0], result[1], result[3]], [small, wide, wide], strict=True):
        assert aligned.matrix is not None
        np.testing.assert_array_equal(aligned.matrix, alignment.matrix(np.round(face.triple)))


def test_little_is_held_back_however_long_the_video() -> None:
    taken = 0

    def endless() -> Iterator[ObservedFrame]:
        nonlocal taken
        while True:
            yield frame(taken, (1, face_near(200)))
            taken += 1

    stream = aligned_frames(endless(), Largest(), "studio", 256)
    for given in range(200):
        assert next(stream).index == given
        assert taken - given <= 6
