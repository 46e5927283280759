from collections.abc import Sequence

import numpy as np
from drawn_people import ANNA, BEN, face_at, frame_with
from numpy.typing import NDArray

from services.preprocess.faces.detector import Face
from services.preprocess.faces.observe import observe


class ScriptedDetector:
    """Finds the scripted faces of the nth call and remembers how it was called."""

    def __init__(self, script: list[list[Face]]) -> None:
        self._script = script
        self.thorough: list[bool] = []
        self.near: list[int] = []

    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        self.thorough.append(thorough)
        self.near.append(len(near))
        return self._script[len(self.thorough) - 1]


class ScriptedFollower:
    """Shows the scripted faces of the nth frame, searched or followed; those in `loses` cannot be followed."""

    def __init__(self, script: list[list[Face]], loses: frozenset[int] = frozenset()) -> None:
        self._script = script
        self._loses = loses
        self.calls: list[str] = []

    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        self.calls.append("search")
        return self._script[len(self.calls) - 1]

    def follow(self, rgb_hwc: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face] | None:
        if len(self.calls) in self._loses:
            return None
        self.calls.append("follow")
        return self._script[len(self.calls) - 1]


def test_unwanted_frames_are_not_searched_but_kept() -> None:
    detector = ScriptedDetector([[face_at(80, 80)]] * 2)
    frames = [(index, frame_with((ANNA, 80, 80))) for index in range(4)]
    observed = list(observe(frames, detector, lambda index: index % 2 == 1))
    assert [frame.index for frame in observed] == [0, 1, 2, 3]
    assert [len(frame.faces) for frame in observed] == [0, 1, 0, 1]
    assert [frame.wanted for frame in observed] == [False, True, False, True]
    assert observed[1].faces[0].track == observed[3].faces[0].track


def test_a_cut_in_unwanted_frames_still_starts_a_shot() -> None:
    other = np.random.default_rng(1).integers(0, 255, (6, 10, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)
    frames = [(0, frame_with((ANNA, 80, 80))), (1, other), (2, other)]
    observed = list(observe(frames, ScriptedDetector([]), lambda index: False))
    assert [frame.shot for frame in observed] == [0, 1, 1]


def test_tile_search_is_rationed_on_faceless_frames() -> None:
    detector = ScriptedDetector([[]] * 30)
    list(observe([(index, frame_with()) for index in range(30)], detector, lambda index: True))
    assert [index for index, thorough in enumerate(detector.thorough) if thorough] == [0, 12, 24]


def test_every_shot_gets_a_tile_search() -> None:
    detector = ScriptedDetector([[]] * 6)
    frames = [frame_with((ANNA, 80, 80))] * 3 + [frame_with((BEN, 330, 150), (BEN, 200, 100))] * 3
    list(observe(enumerate(frames), detector, lambda index: True))
    assert [index for index, thorough in enumerate(detector.thorough) if thorough] == [0, 3]


def test_a_face_that_was_just_there_is_looked_for_nearby() -> None:
    detector = ScriptedDetector([[face_at(80, 80)], [], []])
    list(observe([(index, frame_with((ANNA, 80, 80))) for index in range(3)], detector, lambda index: True))
    assert detector.near == [0, 1, 1]


def calls_for(
    script: list[list[Face]], loses: frozenset[int] = frozenset(), unwanted: frozenset[int] = frozenset()
) -> list[str]:
    detector = ScriptedFollower(script, loses)
    frames = [(index, frame_with((ANNA, 80, 80))) for index in range(len(script) + len(unwanted))]
    list(observe(frames, detector, lambda index: index not in unwanted))
    return detector.calls


def test_steady_faces_are_searched_for_in_every_fourth_frame_only() -> None:
    assert calls_for([[face_at(80, 80)]] * 9) == ["search", "follow", "follow", "follow"] * 2 + ["search"]


def test_a_frame_in_which_following_fails_is_searched() -> None:
    calls = calls_for([[face_at(80, 80)]] * 6, loses=frozenset({1}))
    assert calls == ["search", "search", "follow", "follow", "follow", "search"]


def test_frames_without_faces_are_all_searched() -> None:
    assert calls_for([[]] * 4) == ["search"] * 4


def test_while_a_face_is_missing_every_frame_is_searched() -> None:
    both, one = [face_at(80, 80), face_at(200, 80)], [face_at(80, 80)]
    calls = calls_for([both, both, both, both, one, one, both, both])
    assert calls == ["search", "follow", "follow", "follow", "search", "search", "search", "follow"]


def test_faces_are_not_followed_over_frames_that_were_not_looked_at() -> None:
    assert calls_for([[face_at(80, 80)]] * 3, unwanted=frozenset({1})) == ["search", "search", "follow"]


def test_faces_are_not_followed_over_a_cut() -> None:
    detector = ScriptedFollower([[face_at(80, 80)]] * 3)
    frames = [frame_with((ANNA, 80, 80))] + [frame_with((BEN, 330, 150), (BEN, 200, 100))] * 2
    list(observe(enumerate(frames), detector, lambda index: True))
    assert detector.calls == ["search", "search", "follow"]


def test_every_frame_is_searched_on_request() -> None:
    detector = ScriptedFollower([[face_at(80, 80)]] * 4)
    frames = [(index, frame_with((ANNA, 80, 80))) for index in range(4)]
    list(observe(frames, detector, lambda index: True, search_every=1))
    assert detector.calls == ["search"] * 4
