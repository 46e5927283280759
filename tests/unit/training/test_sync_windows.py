"""Windows and pairs for StableSyncNet."""

import numpy as np
import pytest

from training.face_clips import FaceClips, FaceClipsSettings
from training.speech_bank import SpeechBank
from training.stable_syncnet_config import LATENTSYNC_SYNCNET as CONFIG
from training.sync_windows import (
    LEAST_SHIFT_FRAMES,
    LOOK_ALIKE_RMS,
    Pair,
    SyncClips,
    draw_pairs,
    mel_window,
    mouth_window,
)

WINDOW = 16


@pytest.fixture(scope="module")
def clips() -> SyncClips:
    """Three people of 20 frames, each with two takes from three utterances of 2.4 s; the last is always silent."""
    rng = np.random.default_rng(1)
    visemes = rng.random((3, 240, 3), np.float32)
    visemes[2] = 0.5
    faces = FaceClips(
        FaceClipsSettings("train", 3, 20, 8),
        rng.integers(0, 256, (3, 2, 20, 8, 8, 3), np.uint8),
        utterance=np.array([[0, 1], [1, 2], [2, 0]]),
        first_frame=np.array([[0, 40], [7, 19], [40, 3]]),
    )
    return SyncClips.of(faces, SpeechBank(np.zeros((3, 38_400), np.int16), visemes))


def test_sound_starts_where_the_frame_does() -> None:
    mel = np.arange(200, dtype=np.float32)[None].repeat(80, axis=0)

    window = mel_window(mel, 7, CONFIG)

    assert window.shape == (80, 52)
    assert window[0, 0] == 80 * 7 // 25


def test_the_last_frame_of_an_utterance_still_has_a_whole_window(clips: SyncClips) -> None:
    assert mel_window(clips.mels[0], clips.bank.frames - WINDOW, CONFIG).shape == (80, 52)


def test_lower_halves_become_channels_frame_by_frame(clips: SyncClips) -> None:
    window = mouth_window(clips, 2, 1, 3, WINDOW)

    assert window.shape == (48, 4, 8)
    assert np.array_equal(window[3 * 5 + 1], clips.faces.faces[2, 1, 3 + 5, 4:, :, 1])


def test_every_other_pair_is_in_sync_with_what_its_take_speaks(clips: SyncClips) -> None:
    pairs = draw_pairs(np.random.default_rng(1), clips, 200, WINDOW)

    assert [pair.in_sync for pair in pairs] == [True, False] * 100
    for pair in pairs[::2]:
        assert pair.utterance == clips.faces.utterance[pair.person, pair.take]
        assert pair.frame == clips.faces.first_frame[pair.person, pair.take] + pair.start
    assert {(pair.person, pair.take) for pair in pairs[::2]} == {(p, t) for p in range(3) for t in range(2)}
    assert {pair.start for pair in pairs[::2]} == set(range(5))


def test_pairs_out_of_sync_are_far_off_or_of_another_utterance(clips: SyncClips) -> None:
    pairs = draw_pairs(np.random.default_rng(1), clips, 400, WINDOW)[1::2]

    shifts = [abs(pair.frame - _spoken(clips, pair)[1]) for pair in pairs if pair.utterance == _spoken(clips, pair)[0]]
    assert 80 < len(shifts) < 160
    assert min(shifts) == LEAST_SHIFT_FRAMES
    assert max(pair.frame for pair in pairs) == clips.bank.frames - WINDOW


def test_a_pair_that_fits_by_chance_is_drawn_again(clips: SyncClips) -> None:
    pairs = draw_pairs(np.random.default_rng(1), clips, 400, WINDOW)[1::2]

    for pair in pairs:
        seen = clips.bank.visemes(*_spoken(clips, pair), WINDOW)
        heard = clips.bank.visemes(pair.utterance, pair.frame, WINDOW)
        assert np.sqrt(np.mean((seen - heard) ** 2)) >= LOOK_ALIKE_RMS
    assert [pair for pair in pairs if _spoken(clips, pair)[0] == 2]


def _spoken(clips: SyncClips, pair: Pair) -> tuple[int, int]:
    """The utterance and the frame of it that the faces of a pair really speak."""
    take = pair.person, pair.take
    return int(clips.faces.utterance[take]), int(clips.faces.first_frame[take]) + pair.start
