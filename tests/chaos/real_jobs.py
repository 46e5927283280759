"""The jobs that run while things go wrong, and what one process without servers makes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from e2e.made_clips import Form, rgb_frames, voice_samples, write_clip, write_voice

from cli.dub import dub_file
from services.common.messages import DubParameters, OutputParameters
from services.common.settings import Settings

PARAMETERS = DubParameters(steps=2, guidance_scale=1, output=OutputParameters(preset="ultrafast"))
_SAMPLES = Path(__file__).resolve().parents[2] / "samples"
_RATE_HZ = 25
_CLIPS = {"short": (40, 1), "long": (45, 7)}
"""Frames, and how many times 1/25 s each lasts. The long one has two segments."""


@dataclass(frozen=True)
class Kind:
    video: Path
    voice: Path
    expected: bytes
    """The output; empty when the job must fail."""


def make_kinds(folder: Path, names: Iterable[str]) -> Mapping[str, Kind]:
    return {name: _silent(folder / name) if name == "silent" else _kind(folder / name, *_CLIPS[name]) for name in names}


def _silent(folder: Path) -> Kind:
    folder.mkdir(parents=True, exist_ok=True)
    return Kind(_clip(folder, *_CLIPS["short"]), write_voice(folder / "voice.wav", np.zeros(0, np.int16), 1.0), b"")


def _kind(folder: Path, frames: int, each: int) -> Kind:
    folder.mkdir(parents=True, exist_ok=True)
    video = _clip(folder, frames, each)
    samples = np.tile(voice_samples(_SAMPLES / "voice_a.m4a"), 6)
    voice = write_voice(folder / "voice.wav", samples, frames * each / _RATE_HZ)
    dub_file(video, voice, folder / "out.mp4", PARAMETERS, Settings(work_dir=folder / "work"))
    return Kind(video, voice, (folder / "out.mp4").read_bytes())


def _clip(folder: Path, frames: int, each: int) -> Path:
    pictures = rgb_frames(_SAMPLES / "talking_head.mp4", frames, 320, 240)
    return write_clip(folder / "head.mp4", pictures, Form(pts=[number * each for number in range(frames)]))
