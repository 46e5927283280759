"""Windows of faces and of sound for StableSyncNet."""

import numpy as np
import pytest

from bench.quality.sync_networks import lower_half
from training.face_clips import FaceClips, FaceClipsSettings
from training.speech_bank import SpeechBank
from training.stable_syncnet_config import LATENTSYNC_SYNCNET as CONFIG
from training.sync_windows import (
    SHIFT_FRAMES,
    Heard,
    Seen,
    SyncClips,
    draw_seen,
    mel_window,
    mouth_window,
    own_sound,
    shifted,
)

WINDOW = 16


@pytest.fixture(scope="module")
def clips() -> SyncClips:
    """Three people of 20 frames, each with two takes from three utterances of 2.4 s."""
    rng = np.random.default_rng(1)
    faces = FaceClips(
        FaceClipsSettings("train", 3, 20, 8),
        rng.integers(0, 256, (3, 2, 20, 8, 8, 3), np.uint8),
        utterance=np.array([[0, 1], [1, 2], [2, 0]]),
        first_frame=np.array([[0, 40], [7, 19], [40, 3]]),
    )
    return SyncClips.of(faces, SpeechBank(np.zeros((3, 38_400), np.int16), rng.random((3, 240, 3), np.float32)))


def test_both_takes_of_a_person_are_seen_at_the_same_moment(clips: SyncClips) -> None:
    seen = draw_seen(np.random.default_rng(1), clips.faces, 50, WINDOW)

    assert [(one.person, one.start, 1) for one in seen[::2]] == [
        (one.person, one.start, one.take) for one in seen[1::2]
    ]
    assert {one.person for one in seen} == {0, 1, 2}
    assert {one.start for one in seen} == set(range(5))


def test_faces_speak_what_their_take_was_drawn_with(clips: SyncClips) -> None:
    assert own_sound(clips, Seen(person=1, take=1, start=3)) == Heard(utterance=2, frame=19 + 3)


@pytest.mark.parametrize("frame", [0, 20, 44])
def test_a_shifted_sound_is_of_the_same_voice_and_near_but_not_too_near(clips: SyncClips, frame: int) -> None:
    rng = np.random.default_rng(1)

    heard = [shifted(rng, Heard(1, frame), clips.bank, WINDOW) for _ in range(200)]

    assert {one.utterance for one in heard} == {1}
    distances = {abs(one.frame - frame) for one in heard}
    assert (min(distances), max(distances)) == SHIFT_FRAMES
    assert min(one.frame for one in heard) >= 0
    assert max(one.frame for one in heard) <= clips.bank.frames - WINDOW


def test_sound_starts_where_the_frame_does(clips: SyncClips) -> None:
    counted = SyncClips(clips.faces, clips.bank, [np.arange(200, dtype=np.float32)[None].repeat(80, axis=0)])

    window = mel_window(counted, Heard(0, 7), CONFIG)

    assert window.shape == (80, 52)
    assert window[0, 0] == 80 * 7 // 25


def test_the_last_frame_of_an_utterance_still_has_a_whole_window(clips: SyncClips) -> None:
    assert mel_window(clips, Heard(0, clips.bank.frames - WINDOW), CONFIG).shape == (80, 52)


def test_lower_halves_are_resized_as_the_meter_does_it_and_become_channels_frame_by_frame(clips: SyncClips) -> None:
    small = CONFIG.model_copy(update={"resolution": 4})

    window = mouth_window(clips, Seen(2, 1, 3), small)

    assert window.shape == (48, 2, 4)
    assert np.array_equal(window[3 * 5 + 1], lower_half(clips.faces.faces[2, 1, 3 + 5], (4, 2))[:, :, 1])
