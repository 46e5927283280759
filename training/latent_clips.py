"""Drawn faces and speech as the denoising network sees them: latents and audio tokens, computed once and kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from export.vae import VaeEncoder
from export.whisper import WhisperEncoder
from services.common.face_mask import face_mask, latent_mask
from services.denoise.conditioning import conditioning, masked_pixel_values, pixel_values
from services.denoise.latents import SCALING_FACTOR
from training.audio_tokens import audio_tokens, whisper_features
from training.face_clips import TAKES, FaceClips
from training.speech_bank import SpeechBank

_FACES_AT_ONCE = 32


@dataclass(frozen=True)
class DubbingBatch:
    """What one training step of the denoising network sees, on the CPU."""

    clean: Tensor
    """B×4×F×h×w: scaled latents of the faces to be made."""
    conditioning: Tensor
    """B×9×F×h×w: mask, masked source, source."""
    audio: Tensor
    """B×F×S×D: what those faces say."""
    faces: Tensor
    """B×3×F×R×R in [−1, 1]: the faces to be made."""
    waves: Tensor
    """B×samples int16: the sound from the first frame on, long enough for a sync window."""


class LatentClips:
    """Batches of the situation of dubbing: the source is one take of a head motion, the truth is the other."""

    def __init__(self, clips: FaceClips, bank: SpeechBank, latents: "Latents", features: NDArray[np.float16]) -> None:
        """`features` [utterances, rows, states, D] as `audio_features` gives them."""
        self._clips = clips
        self._bank = bank
        self._latents = latents
        self._features = features
        self._latent_mask = latent_mask(clips.settings.resolution)

    def draw(self, rng: np.random.Generator, count: int, frames: int) -> DubbingBatch:
        """`count` stretches of `frames` frames each."""
        people, _, drawn = self._clips.faces.shape[:3]
        stretches = []
        for _ in range(count):
            start = int(rng.integers(drawn - frames + 1))
            stretches.append((int(rng.integers(people)), int(rng.integers(TAKES)), slice(start, start + frames)))
        return self.batch_of(stretches)

    def batch_of(self, stretches: Sequence[tuple[int, int, slice]]) -> DubbingBatch:
        """Stretches by person, take to be made, and frames, which are equally many in all of them."""
        parts = [self._stretch(*stretch) for stretch in stretches]
        return DubbingBatch(*(torch.stack(tensors) for tensors in zip(*parts, strict=True)))

    def _stretch(self, person: int, truth: int, window: slice) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        source = 1 - truth
        clean = self._latents.whole[person, truth, window].float().transpose(0, 1)
        masked, whole = (kept[person, source, window].float() for kept in (self._latents.masked, self._latents.whole))
        seen = conditioning(self._latent_mask, masked.numpy(), whole.numpy())
        utterance = int(self._clips.utterance[person, truth])
        first = int(self._clips.first_frame[person, truth]) + window.start
        frames = window.stop - window.start
        faces = pixel_values(np.ascontiguousarray(self._clips.faces[person, truth, window])).transpose(1, 0, 2, 3)
        return (
            clean,
            torch.from_numpy(seen[0]),
            torch.from_numpy(audio_tokens(self._features[utterance], first, frames)),
            torch.from_numpy(np.ascontiguousarray(faces)),
            torch.from_numpy(self._bank.stretch(utterance, first, frames)),
        )


@dataclass(frozen=True)
class Latents:
    """Scaled latents of drawn faces, float16 [people, 2, F, 4, h, w]."""

    whole: Tensor
    masked: Tensor

    @classmethod
    def of(cls, clips: FaceClips, vae: AutoencoderKL, path: Path) -> "Latents":
        """Computes them and keeps them in `path`, or takes what lies there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept = torch.load(path, weights_only=True)
            return cls(kept["whole"], kept["masked"])
        people = [_encoded(vae, clips.faces[person]) for person in track(range(len(clips.faces)), "encoding faces")]
        whole, masked = (torch.stack(parts) for parts in zip(*people, strict=True))
        torch.save({"whole": whole, "masked": masked}, path)
        return cls(whole, masked)


def audio_features(bank: SpeechBank, encoder: WhisperEncoder, path: Path) -> NDArray[np.float16]:
    """Features of every utterance, [U, rows, states, D]; kept in `path`."""
    if path.exists():
        kept: NDArray[np.float16] = np.load(path)
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    features = np.stack([whisper_features(encoder, wave) for wave in track(bank.waves, "encoding speech")])
    np.save(path, features)
    return features


@torch.no_grad()
def _encoded(vae: AutoencoderKL, faces_tfhwc: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """One person's takes [2, F, R, R, 3] → scaled latents, whole and masked, each [2, F, 4, h, w]."""
    device = next(vae.parameters()).device
    takes, frames, side = faces_tfhwc.shape[:3]
    pixels = pixel_values(np.ascontiguousarray(faces_tfhwc.reshape(-1, side, side, 3)))
    encoder = VaeEncoder(vae)

    def latents(images: NDArray[np.float32]) -> Tensor:
        moments = [
            encoder(torch.from_numpy(part).to(device))
            for part in np.array_split(images, max(1, len(images) // _FACES_AT_ONCE))
        ]
        means = torch.cat(moments).chunk(2, dim=1)[0] * float(SCALING_FACTOR)
        return means.half().cpu().reshape(takes, frames, *means.shape[1:])

    return latents(pixels), latents(masked_pixel_values(pixels, face_mask(side)))
