"""Which frames and which sound StableSyncNet compares: windows of drawn clips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.quality.sync_mel import FRAMES_PER_S as MEL_COLUMNS_PER_S
from bench.quality.sync_mel import sync_mel
from bench.quality.sync_networks import lower_half
from training.face_clips import TAKES, FaceClips
from training.speech_bank import FPS, SpeechBank
from training.stable_syncnet_config import StableSyncNetConfig

SHIFT_FRAMES = (2, 15)
"""How far, at least and at most, a shifted sound is from the faces' own."""


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
class Seen:
    """A window of faces: whose, and its first frame."""

    person: int
    take: int
    start: int


@dataclass(frozen=True)
class Heard:
    """A window of sound: of which utterance, and its first 25-Hz frame."""

    utterance: int
    frame: int


def draw_seen(rng: np.random.Generator, faces: FaceClips, people: int, window: int) -> list[Seen]:
    """Both takes of `people` people: the same head moves alike and says two things, so that only the mouth tells."""
    drawn = rng.integers((len(faces.faces), faces.settings.frames - window + 1), size=(people, 2)).tolist()
    return [Seen(person, take, start) for person, start in drawn for take in range(TAKES)]


def own_sound(clips: SyncClips, seen: Seen) -> Heard:
    """What the faces speak."""
    utterance, first_frame = (
        int(of[seen.person, seen.take]) for of in (clips.faces.utterance, clips.faces.first_frame)
    )
    return Heard(utterance, first_frame + seen.start)


def shifted(rng: np.random.Generator, heard: Heard, bank: SpeechBank, window: int) -> Heard:
    """The same voice a little earlier or later, `SHIFT_FRAMES` away."""
    distance = np.abs(np.arange(bank.frames - window + 1) - heard.frame)
    least, most = SHIFT_FRAMES
    return Heard(heard.utterance, int(rng.choice(np.flatnonzero((distance >= least) & (distance <= most)))))


def mouth_window(clips: SyncClips, seen: Seen, config: StableSyncNetConfig) -> NDArray[np.uint8]:
    """The lower halves of the faces as the network sees them, frame-major and channel-minor: [3F, h, w]."""
    height, width = config.visual_size
    faces = clips.faces.faces[seen.person, seen.take, seen.start : seen.start + config.num_frames]
    return np.concatenate([lower_half(face, (width, height)).transpose(2, 0, 1) for face in faces])


def mel_window(clips: SyncClips, heard: Heard, config: StableSyncNetConfig) -> NDArray[np.float32]:
    """The columns of the mel that sound while the 25-Hz frames from the window's first on are seen: [80, 52]."""
    first = heard.frame * MEL_COLUMNS_PER_S // FPS
    return clips.mels[heard.utterance][:, first : first + config.mel_columns]
