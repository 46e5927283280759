"""Which frames and which sound StableSyncNet compares: windows of drawn clips, in sync and not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.quality.sync_mel import FRAMES_PER_S as MEL_COLUMNS_PER_S
from bench.quality.sync_mel import sync_mel
from training.face_clips import FaceClips
from training.speech_bank import FPS, SpeechBank
from training.stable_syncnet_config import StableSyncNetConfig

LEAST_SHIFT_FRAMES = 6
"""Windows of one utterance closer than this sound too much alike to be called different."""
LOOK_ALIKE_RMS = 0.1
"""Mouths whose visemes differ less than this are not called out of sync with each other's sound."""
_ATTEMPTS = 8


@dataclass(frozen=True, eq=False)
class SyncClips:
    """Drawn faces, the utterances they speak, and the sync mel of each utterance, [80, T]."""

    faces: FaceClips
    bank: SpeechBank
    mels: list[NDArray[np.float32]]

    @classmethod
    def of(cls, faces: FaceClips, bank: SpeechBank) -> "SyncClips":
        return cls(faces, bank, [sync_mel(wave) for wave in bank.waves])


@dataclass(frozen=True)
class Pair:
    """A window of faces, by person, take and first frame, and one of sound, by utterance and first 25-Hz frame."""

    person: int
    take: int
    start: int
    utterance: int
    frame: int
    in_sync: bool


def draw_pairs(rng: np.random.Generator, clips: SyncClips, count: int, window: int) -> list[Pair]:
    """`count` pairs of windows of `window` frames, every other one in sync.

    Of the others half, about, have the sound of another place of the same utterance, at least 6 frames away, and half
    that of any utterance. Pairs that happen to fit, such as silence with a closed mouth, are drawn again a few times.
    """
    return [
        _in_sync(rng, clips, window) if index % 2 == 0 else _out_of_sync(rng, clips, window) for index in range(count)
    ]


def mouth_window(clips: SyncClips, person: int, take: int, start: int, window: int) -> NDArray[np.uint8]:
    """The lower halves of `window` frames as channels, frame-major and channel-minor: [3·window, R/2, R]."""
    half = clips.faces.settings.resolution // 2
    mouths = clips.faces.faces[person, take, start : start + window, half:].transpose(0, 3, 1, 2)
    return np.ascontiguousarray(mouths.reshape(-1, *mouths.shape[2:]))


def mel_window(mel: NDArray[np.float32], frame: int, config: StableSyncNetConfig) -> NDArray[np.float32]:
    """The columns of a mel [80, T] that sound while the 25-Hz frames from `frame` on are seen: [80, 52]."""
    first = frame * MEL_COLUMNS_PER_S // FPS
    return mel[:, first : first + config.mel_columns]


def _in_sync(rng: np.random.Generator, clips: SyncClips, window: int) -> Pair:
    people, takes, frames = clips.faces.faces.shape[:3]
    person, take, start = (int(rng.integers(most)) for most in (people, takes, frames - window + 1))
    utterance, first_frame = (int(of[person, take]) for of in (clips.faces.utterance, clips.faces.first_frame))
    return Pair(person, take, start, utterance, first_frame + start, in_sync=True)


def _out_of_sync(rng: np.random.Generator, clips: SyncClips, window: int) -> Pair:
    pair = _moved(rng, _in_sync(rng, clips, window), clips.bank, window)
    for _ in range(_ATTEMPTS):
        if not _look_alike(pair, clips, window):
            break
        pair = _moved(rng, _in_sync(rng, clips, window), clips.bank, window)
    return pair


def _moved(rng: np.random.Generator, pair: Pair, bank: SpeechBank, window: int) -> Pair:
    """The same faces with the sound of another moment."""
    utterance = pair.utterance if rng.random() < 0.5 else int(rng.integers(len(bank)))
    places = np.arange(bank.frames - window + 1)
    if utterance == pair.utterance:
        places = places[np.abs(places - pair.frame) >= LEAST_SHIFT_FRAMES]
    return Pair(pair.person, pair.take, pair.start, utterance, int(rng.choice(places)), in_sync=False)


def _look_alike(pair: Pair, clips: SyncClips, window: int) -> bool:
    faces, bank = clips.faces, clips.bank
    spoken = int(faces.utterance[pair.person, pair.take]), int(faces.first_frame[pair.person, pair.take]) + pair.start
    difference = bank.visemes(*spoken, window) - bank.visemes(pair.utterance, pair.frame, window)
    return float(np.sqrt(np.mean(difference**2))) < LOOK_ALIKE_RMS
