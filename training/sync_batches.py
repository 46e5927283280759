"""Batches for StableSyncNet, and how it is asked about them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import StableSyncNetConfig
from training.sync_windows import SyncClips, draw_pairs, mel_window, mouth_window

IN_SYNC_COSINE = 0.5


@dataclass(frozen=True, eq=False)
class SyncBatch:
    """Pairs of windows: uint8 [B, 3F, h, w], float32 [B, 1, 80, 52], and 1 where they are in sync, [B]."""

    frames: Tensor
    mel: Tensor
    in_sync: Tensor


def draw_batch(rng: np.random.Generator, clips: SyncClips, pairs: int, config: StableSyncNetConfig) -> SyncBatch:
    """`pairs` pairs of windows from `clips`, every other one in sync."""
    window = config.num_frames
    drawn = draw_pairs(rng, clips, pairs, window)
    frames = [mouth_window(clips, pair.person, pair.take, pair.start, window) for pair in drawn]
    mel = [mel_window(clips.mels[pair.utterance], pair.frame, config) for pair in drawn]
    return SyncBatch(
        torch.from_numpy(np.stack(frames)),
        torch.from_numpy(np.stack(mel))[:, None],
        torch.tensor([float(pair.in_sync) for pair in drawn]),
    )


def normalised(frames: Tensor) -> Tensor:
    """uint8 → float32 in [−1, 1]."""
    return frames.float() / 127.5 - 1


def disguised(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Frames as `normalised` gives them; some windows mirrored or blurred, each brighter or darker.

    So the network looks at the mouth, not at the person, and also knows mouths an autoencoder has softened.
    """
    chances = torch.rand(3, len(frames), 1, 1, 1, generator=generator, device=frames.device)
    shown = normalised(frames)
    shown = torch.where(chances[0] < 0.5, shown.flip(3), shown)
    soft = functional.avg_pool2d(shown, 3, stride=1, padding=1, count_include_pad=False)
    shown = torch.where(chances[1] < 0.3, soft, shown)
    gain = 0.8 + 0.4 * chances[2]
    return ((shown + 1) * gain - 1).clamp(-1, 1)


def accuracy(visual: Tensor, audio: Tensor, in_sync: Tensor) -> Tensor:
    """The part of pairs of unit embeddings that a cosine of 0.5 tells apart, a scalar."""
    said_in_sync = (visual * audio).sum(dim=1).detach() > IN_SYNC_COSINE
    return (said_in_sync == (in_sync > 0)).float().mean()


@torch.no_grad()
def batch_accuracy(network: StableSyncNet, batch: SyncBatch) -> float:
    device = next(network.parameters()).device
    visual, audio = network(normalised(batch.frames).to(device), batch.mel.to(device))
    return float(accuracy(visual, audio, batch.in_sync.to(device)))


@torch.no_grad()
def cosines_over_time(network: StableSyncNet, clips: SyncClips, person: int, places: int) -> NDArray[np.float32]:
    """The cosine of a person's first windows with the sound around them.

    Returns:
        float32 [starts, places]: row s is the window of faces from frame s, column p the sound from frame p of the take
        on; in sync, the diagonal is bright. There are no more places than the utterance has.
    """
    config, faces = network.config, clips.faces
    window, device = config.num_frames, next(network.parameters()).device
    starts = range(min(places, faces.settings.frames - window + 1))
    utterance, first = int(faces.utterance[person, 0]), int(faces.first_frame[person, 0])
    heard = range(first, min(first + places, clips.bank.frames - window + 1))
    frames = np.stack([mouth_window(clips, person, 0, start, window) for start in starts])
    mel = np.stack([mel_window(clips.mels[utterance], frame, config) for frame in heard])
    visual = network.embed_frames(normalised(torch.from_numpy(frames)).to(device))
    audio = network.embed_mel(torch.from_numpy(mel)[:, None].to(device))
    return np.asarray((visual @ audio.T).float().cpu().numpy(), np.float32)
