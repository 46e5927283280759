"""The real detector on real clips; skipped where the two face models were not fetched."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video
from services.common.speakers import AtPoint, Largest
from services.preprocess.align_stream import aligned_frames
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.looking import looks
from services.preprocess.faces.observe import observe
from services.preprocess.faces.shots import ShotDetector, thumbnail


def frames(clip: Path, first: int, count: int) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(clip)) as container:
        for picture in islice(container.decode(video=0), first, first + count):
            yield picture.to_ndarray(format="rgb24")


@pytest.mark.parametrize(("clip", "cuts"), [("demo1", []), ("demo2", []), ("demo3", [271])])
def test_cuts_are_found_where_they_are(clips: Path, clip: str, cuts: list[int]) -> None:
    shots = ShotDetector()
    pictures = frames(clips / f"{clip}_video.mp4", 0, 1000)
    assert [index for index, rgb in enumerate(pictures) if shots.update(thumbnail(rgb))] == cuts


@pytest.mark.parametrize("clip", ["demo1", "demo2", "demo3"])
def test_the_one_face_is_found_and_followed(clips: Path, clip: str, detector: MeshDetector) -> None:
    pictures = enumerate(frames(clips / f"{clip}_video.mp4", 0, 40))
    aligned = list(aligned_frames(observe(pictures, detector, lambda index: True), Largest(), "studio", 256))
    assert {(frame.run, frame.track, frame.reason) for frame in aligned} == {(0, 1, None)}


def test_a_click_on_a_face_that_was_told_chooses_it(clips: Path, detector: MeshDetector) -> None:
    clip = clips / "demo2_video.mp4"
    seen = next(looks(clip, detector, 0.0))
    (box,) = seen.faces
    speaker = AtPoint((box.x + box.w / 2) / seen.width, (box.y + box.h / 2) / seen.height)

    pictures = ((picture.index, picture.rgb()) for picture in read_pictures(clip, probe_video(clip), [0]))
    (aligned,) = aligned_frames(observe(pictures, detector, lambda index: True), speaker, "studio", 256)

    assert aligned.box_xyxy is not None
    np.testing.assert_allclose(aligned.box_xyxy, [box.x, box.y, box.x + box.w, box.y + box.h])


def test_runs_and_tracks_break_at_the_cut(clips: Path, detector: MeshDetector) -> None:
    pictures = enumerate(frames(clips / "demo3_video.mp4", 261, 20))
    aligned = list(aligned_frames(observe(pictures, detector, lambda index: True), Largest(), "studio", 256))
    assert [(frame.run, frame.track) for frame in aligned] == [(0, 1)] * 10 + [(1, 2)] * 10


@pytest.mark.parametrize("change", ["mirrored", "half size", "turned 30°", "dark"])
def test_points_move_with_the_face(clips: Path, detector: MeshDetector, change: str) -> None:
    """The triple of a changed picture is the changed triple, to a twentieth of the distance between the brows."""
    rgb = next(frames(clips / "demo2_video.mp4", 0, 1))
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 30, 1.0)
    matrix = {
        "mirrored": np.array([[-1.0, 0, width - 1], [0, 1, 0]]),
        "half size": np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]]),
        "turned 30°": turn,
        "dark": np.array([[1.0, 0, 0], [0, 1, 0]]),
    }[change]
    size = (width // 2, height // 2) if change == "half size" else (width, height)
    changed = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_AREA)
    if change == "dark":
        changed = (changed * 0.25).astype(np.uint8)
    (face,), (moved,) = detector.detect(rgb), detector.detect(np.asarray(changed, dtype=np.uint8))
    expected = face.triple @ matrix[:, :2].T + matrix[:, 2]
    if change == "mirrored":
        expected = expected[[1, 0, 2]]
    brows_px = np.linalg.norm(expected[1] - expected[0])
    assert np.linalg.norm(moved.triple - expected, axis=1).max() < 0.05 * brows_px


def test_a_small_face_is_found_by_the_thorough_search_and_then_nearby(clips: Path, detector: MeshDetector) -> None:
    rgb = next(frames(clips / "demo2_video.mp4", 0, 1))
    small = cv2.resize(rgb, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    wide = np.full((1080, 1920, 3), 100, dtype=np.uint8)
    wide[600 : 600 + small.shape[0], 900 : 900 + small.shape[1]] = small
    (face,) = detector.detect(wide, thorough=True)
    (again,) = detector.detect(wide, near=[face.box_xyxy])
    assert np.linalg.norm(face.triple - again.triple, axis=1).max() < 2


def test_both_of_two_faces_are_found_largest_first(clips: Path, detector: MeshDetector) -> None:
    one = next(frames(clips / "demo2_video.mp4", 0, 1))
    other = next(frames(clips / "demo3_video.mp4", 0, 1))
    faces = detector.detect(np.concatenate([other, one], axis=1))
    assert [face.triple[2, 0] > 1080 for face in faces] == [True, False]


def test_no_face_is_found_where_there_is_none(clips: Path, detector: MeshDetector) -> None:
    rgb = next(frames(clips / "demo1_video.mp4", 0, 1))
    assert detector.detect(np.ascontiguousarray(rgb[:540]), thorough=True) == []
    noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    assert detector.detect(noise, thorough=True) == []
