"""Drawn faces as training data: every head motion drawn twice, speaking two different things.

That is the situation of dubbing: the source shows another mouth than the one to be made, everything else being equal.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from services.common.errors import InvalidParameter
from training.speech_bank import FPS, SpeechBank
from training.synthetic.aligned import aligned_camera
from training.synthetic.head import draw_head, portrait
from training.synthetic.identity import draw_identity
from training.synthetic.pose import pose_track
from training.synthetic.splits import Split, identity_rng

FACES = "faces.npy"
TAKES = 2
"""Speeches each head motion is drawn with."""


@dataclass(frozen=True)
class FaceClipsSettings:
    """What is drawn. `people` × 2 takes × `frames` aligned faces of `resolution` px, at 25 frames per second."""

    split: Split
    people: int
    frames: int
    resolution: int


@dataclass(frozen=True)
class FaceClips:
    """Aligned faces, and which stretch of which utterance each take speaks."""

    settings: FaceClipsSettings
    faces: NDArray[np.uint8]
    """[people, 2, F, R, R, 3] RGB, mapped from disk."""
    utterance: NDArray[np.int64]
    """[people, 2]."""
    first_frame: NDArray[np.int64]
    """[people, 2], 25-Hz frames into the utterance."""

    @classmethod
    def open(cls, directory: Path) -> "FaceClips":
        """Raises InvalidParameter where `draw_face_clips` has not finished."""
        if not (directory / "takes.npz").exists():
            raise InvalidParameter(f"There are no drawn faces in {directory}; run: python -m training synth")
        settings = FaceClipsSettings(**json.loads((directory / "settings.json").read_text(encoding="utf-8")))
        takes = np.load(directory / "takes.npz")
        faces = np.load(directory / FACES, mmap_mode="r")
        return cls(settings, faces, takes["utterance"], takes["first_frame"])


def draw_face_clips(directory: Path, settings: FaceClipsSettings, bank: SpeechBank, processes: int) -> FaceClips:
    """Draws all faces, in as many processes; the same ones whatever their number. Half-drawn folders are redrawn."""
    directory.mkdir(parents=True, exist_ok=True)
    side = settings.resolution
    shape = (settings.people, TAKES, settings.frames, side, side, 3)
    faces = np.lib.format.open_memmap(directory / FACES, "w+", np.uint8, shape)
    utterance, first_frame = _takes(settings, bank)
    jobs = (
        (settings, person, [bank.visemes(u, f, settings.frames) for u, f in zip(*takes, strict=True)])
        for person, takes in enumerate(zip(utterance, first_frame, strict=True))
    )
    with ProcessPoolExecutor(processes, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        drawn: Iterator[NDArray[np.uint8]] = pool.map(_drawn_person, jobs, chunksize=4)
        for person, takes in enumerate(track(drawn, f"drawing {settings.split} faces", settings.people)):
            faces[person] = takes
    faces.flush()
    (directory / "settings.json").write_text(json.dumps(asdict(settings)), encoding="utf-8")
    np.savez(directory / "takes.npz", utterance=utterance, first_frame=first_frame)
    return FaceClips.open(directory)


def _takes(settings: FaceClipsSettings, bank: SpeechBank) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two stretches of two different utterances for everybody."""
    rng = np.random.default_rng(len(settings.split))
    utterance = np.stack([rng.choice(len(bank), TAKES, replace=False) for _ in range(settings.people)])
    return utterance, rng.integers(0, bank.frames - settings.frames, utterance.shape)


def _drawn_person(job: tuple[FaceClipsSettings, int, list[NDArray[np.float32]]]) -> NDArray[np.uint8]:
    settings, person, takes = job
    rng = identity_rng(settings.split, person)
    identity = draw_identity(rng)
    poses = pose_track(rng, settings.frames, FPS)
    cameras = aligned_camera(identity, poses, settings.resolution, rng)
    still = portrait(identity)
    return np.stack(
        [
            [draw_head(still, *frame, settings.resolution) for frame in zip(visemes, poses, cameras, strict=True)]
            for visemes in takes
        ]
    )
