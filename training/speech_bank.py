"""Spoken training material with known mouths: utterances of one length, drawn once and kept."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from services.common.errors import InvalidParameter
from services.common.media.audio import SAMPLE_RATE_HZ
from training.synthetic.speech import speak
from training.synthetic.splits import Split, voice_rng
from training.synthetic.visemes import VISEME_RATE_HZ
from training.waveforms import as_int16, stretch_of

FPS = 25
EXTRA_FRAMES = 2
"""A sync window hears a little more than it sees: 52 mel columns take 0.65 s, 16 frames 0.64 s."""
_VISEMES_PER_FRAME = VISEME_RATE_HZ // FPS


class SpeechBank:
    """Utterances of the same length: sound int16 [U, samples] and mouths float32 [U, 100 Hz, 3]."""

    def __init__(self, waves: NDArray[np.int16], visemes: NDArray[np.float32]) -> None:
        self.waves = waves
        self.all_visemes = visemes
        self.frames = visemes.shape[1] // _VISEMES_PER_FRAME
        """25-Hz frames in an utterance."""

    def __len__(self) -> int:
        return len(self.waves)

    def visemes(self, utterance: int, first_frame: int, frames: int) -> NDArray[np.float32]:
        """The mouth at each 25-Hz frame's time, [frames, 3]: open, wide, round."""
        at = (first_frame + np.arange(frames)) * _VISEMES_PER_FRAME
        seen: NDArray[np.float32] = self.all_visemes[utterance, at]
        return seen

    def stretch(self, utterance: int, first_frame: int, frames: int) -> NDArray[np.int16]:
        """The sound of those frames and of `EXTRA_FRAMES` more; beyond the utterance's end it is silent."""
        per_frame = SAMPLE_RATE_HZ // FPS
        return stretch_of(self.waves[utterance], first_frame * per_frame, (frames + EXTRA_FRAMES) * per_frame)

    @classmethod
    def open(cls, path: Path) -> "SpeechBank":
        """Raises InvalidParameter where there is none."""
        if not path.exists():
            raise InvalidParameter(f"There is no speech in {path}; run: python -m training synth")
        kept = np.load(path)
        return cls(kept["waves"], kept["visemes"])


def speak_bank(path: Path, split: Split, utterances: int, duration_s: float, processes: int) -> SpeechBank:
    """Draws `utterances` voices of the split, each speaking once, and keeps them in the npz file `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    jobs = [(split, index, duration_s) for index in range(utterances)]
    # Forked children of a process that has threads, as torch gives it, may hang.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        spoken = list(track(pool.map(_spoken, jobs, chunksize=2), f"speaking {split}", utterances))
    waves, visemes = (np.stack(parts) for parts in zip(*spoken, strict=True))
    np.savez(path, waves=waves, visemes=visemes)
    return SpeechBank(waves, visemes)


def _spoken(job: tuple[Split, int, float]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    split, index, duration_s = job
    speech = speak(voice_rng(split, index), duration_s)
    samples, ticks = round(duration_s * SAMPLE_RATE_HZ), round(duration_s * VISEME_RATE_HZ)
    return as_int16(speech.wave[:samples]), speech.visemes[:ticks].astype(np.float32)
