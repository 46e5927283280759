"""Prepared clips of real people as the denoising network sees them; encoded when they are drawn.

As in LatentSync's training, the source is another stretch of the same clip: unlike with drawn faces nobody knows how
the same moment would look with another mouth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor

from export.vae import VaeEncoder
from export.whisper import WhisperEncoder
from services.common.errors import InvalidParameter
from services.common.face_mask import face_mask, latent_mask
from services.common.media.audio import SAMPLE_RATE_HZ, decode_pcm16k_mono
from services.common.media.decode import read_pictures
from services.common.media.probe import VideoInfo, probe_video
from services.denoise.conditioning import conditioning, masked_pixel_values, pixel_values
from services.denoise.latents import sampled_latents
from services.preprocess.plan import REFERENCE_FPS
from training.audio_tokens import audio_tokens, whisper_features
from training.latent_clips import DubbingBatch
from training.speech_bank import EXTRA_FRAMES
from training.waveforms import stretch_of

_FACES_AT_ONCE = 8
_CLIPS_REMEMBERED = 256
"""2 MB each with Whisper tiny and 10 s."""


def prepared_videos(directory: Path) -> list[Path]:
    """The faces of every clip in `directory` that has its sound beside it. Raises InvalidParameter if there is none."""
    videos = sorted(video for video in directory.glob("*.mp4") if video.with_suffix(".wav").exists())
    if not videos:
        raise InvalidParameter(f"There are no prepared clips in {directory}; run: python -m training prepare")
    return videos


class PreparedClips:
    """Batches from pixels; the networks work on the device they are on."""

    def __init__(self, videos: Sequence[Path], resolution: int, vae: AutoencoderKL, whisper: WhisperEncoder) -> None:
        self._videos = videos
        self._resolution = resolution
        self._vae = vae
        self._whisper = whisper
        self._opened = lru_cache(_CLIPS_REMEMBERED)(self._open)

    def draw(self, rng: np.random.Generator, count: int, frames: int) -> DubbingBatch:
        """`count` clips of `frames` frames each.

        Raises InvalidParameter for a clip of another resolution or with fewer frames.
        """
        parts = [self._row(rng, frames) for _ in range(count)]
        return DubbingBatch(*(torch.stack(tensors) for tensors in zip(*parts, strict=True)))

    def _row(self, rng: np.random.Generator, frames: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        clip = self._opened(self._videos[int(rng.integers(len(self._videos)))])
        total = clip.info.frame_count
        if total < frames:
            raise InvalidParameter(f"{clip.video} has {total} frames, fewer than the {frames} that are trained on.")
        # The sound of a sync window goes on for a little after its frames.
        start = int(rng.integers(max(1, total - frames - EXTRA_FRAMES + 1)))
        elsewhere = reference_start(rng, start, frames, total)
        truth, reference = self._faces(clip, start, frames), self._faces(clip, elsewhere, frames)
        masked = masked_pixel_values(truth, face_mask(self._resolution))
        clean, masked_latents, reference_latents = (self._latents(images, rng) for images in (truth, masked, reference))
        seen = conditioning(latent_mask(self._resolution), masked_latents, reference_latents)
        per_frame = SAMPLE_RATE_HZ // REFERENCE_FPS
        heard = stretch_of(clip.pcm_int16, start * per_frame, (frames + EXTRA_FRAMES) * per_frame)
        return (
            torch.from_numpy(np.ascontiguousarray(clean.transpose(1, 0, 2, 3))),
            torch.from_numpy(seen[0]),
            torch.from_numpy(audio_tokens(clip.features, start, frames)),
            torch.from_numpy(np.ascontiguousarray(truth.transpose(1, 0, 2, 3))),
            torch.from_numpy(heard),
        )

    def _open(self, video: Path) -> "_Clip":
        pcm_int16 = decode_pcm16k_mono(video.with_suffix(".wav"))
        return _Clip(video, probe_video(video), pcm_int16, whisper_features(self._whisper, pcm_int16))

    def _faces(self, clip: "_Clip", start: int, frames: int) -> NDArray[np.float32]:
        """[F, 3, R, R] in [−1, 1]."""
        pictures = read_pictures(clip.video, clip.info, range(start, start + frames))
        faces = np.stack([picture.rgb() for picture in pictures])
        if faces.shape[1:3] != (self._resolution, self._resolution):
            raise InvalidParameter(
                f"{clip.video} shows faces of {clip.info.width}×{clip.info.height} px, but {self._resolution} px are"
                " trained on; prepare the clips for this variant."
            )
        return pixel_values(faces)

    @torch.no_grad()
    def _latents(self, images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """[F, 3, R, R] → scaled samples of the posterior, [F, 4, h, w]."""
        device, encoder = next(self._vae.parameters()).device, VaeEncoder(self._vae)
        parts = [torch.from_numpy(images[at : at + _FACES_AT_ONCE]) for at in range(0, len(images), _FACES_AT_ONCE)]
        moments = torch.cat([encoder(part.to(device)).cpu() for part in parts]).numpy()
        frames, channels, height, width = moments.shape
        return sampled_latents(moments, rng.standard_normal((frames, channels // 2, height, width), np.float32))


@dataclass(frozen=True, eq=False)
class _Clip:
    video: Path
    info: VideoInfo
    pcm_int16: NDArray[np.int16]
    features: NDArray[np.float16]


def reference_start(rng: np.random.Generator, start: int, frames: int, total: int) -> int:
    """Where the window begins that the source is taken from, in a clip of `total` frames.

    It has no frame in common with the one at `start`; where the clip is too short for that it is as far off as can be.
    """
    elsewhere = [other for other in range(total - frames + 1) if abs(other - start) >= frames]
    if elsewhere:
        return int(rng.choice(elsewhere))
    return 0 if 2 * start > total - frames else total - frames
