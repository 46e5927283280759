"""Batches for StableSyncNet, and how it is asked about them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.face_clips import TAKES
from training.losses.sync import all_cosines
from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import StableSyncNetConfig
from training.sync_windows import Heard, Seen, SyncClips, draw_seen, mel_window, mouth_window, own_sound, shifted

IN_SYNC_COSINE = 0.5
LOOK_ALIKE_RMS = 0.1
"""Mouths whose visemes differ less than this are not called out of sync with each other's sound."""


@dataclass(frozen=True, eq=False)
class SyncBatch:
    """Windows of faces, uint8 [B, 3F, h, w], and twice as many of sound, float32 [2B, 1, 80, 52].

    Sound b is what faces b speak; sound B + b the same voice a little earlier or later.
    """

    frames: Tensor
    mel: Tensor
    apart: Tensor
    """Bool [B, 2B]: where the mouth seen is clearly another than the one heard; never on the diagonal."""


@dataclass(frozen=True)
class ToldApart:
    """The part of pairs on the right side of a cosine of 0.5."""

    in_sync: float
    another_sound: float
    """Of another window of the batch: mostly another voice."""
    shifted: float
    """Of the same voice, 2 to 15 frames away."""

    @property
    def mean(self) -> float:
        """As many in sync as not, and of these as many of each kind."""
        return (2 * self.in_sync + self.another_sound + self.shifted) / 4


def draw_batch(rng: np.random.Generator, clips: SyncClips, windows: int, config: StableSyncNetConfig) -> SyncBatch:
    """`windows`, an even number, of faces, two of each person, and the sounds to compare all of them with."""
    frames = config.num_frames
    seen = draw_seen(rng, clips.faces, windows // TAKES, frames)
    spoken = [own_sound(clips, one) for one in seen]
    heard = spoken + [shifted(rng, one, clips.bank, frames) for one in spoken]
    return SyncBatch(
        torch.from_numpy(np.stack([mouth_window(clips, one, config) for one in seen])),
        torch.from_numpy(np.stack([mel_window(clips, one, config) for one in heard]))[:, None],
        torch.from_numpy(_apart(clips, spoken, heard, frames)),
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


def louder_or_softer(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Each window of mel up to 6 dB louder or softer."""
    return mel + torch.rand(len(mel), 1, 1, 1, generator=generator, device=mel.device) - 0.5


def told_apart(cosine: Tensor, apart: Tensor) -> ToldApart:
    """How the cosines [B, 2B] of a `SyncBatch` tell it apart."""
    said = cosine.detach() <= IN_SYNC_COSINE
    another, same_voice = said.chunk(2, dim=1)
    another_apart, same_voice_apart = apart.chunk(2, dim=1)
    return ToldApart(
        1 - float(another.diagonal().float().mean()),
        float(another[another_apart].float().mean()),
        float(same_voice.diagonal()[same_voice_apart.diagonal()].float().mean()),
    )


@torch.no_grad()
def batch_told_apart(network: StableSyncNet, batch: SyncBatch) -> ToldApart:
    device = next(network.parameters()).device
    visual, audio = network(normalised(batch.frames).to(device), batch.mel.to(device))
    return told_apart(all_cosines(visual, audio), batch.apart.to(device))


@torch.no_grad()
def cosines_over_time(network: StableSyncNet, clips: SyncClips, person: int, places: int) -> NDArray[np.float32]:
    """The cosine of a person's first windows with the sound around them.

    Returns:
        float32 [starts, places]: row s is the window of faces from frame s, column p the sound from p − places // 2
        frames after the take's beginning on; sounds beyond the utterance's ends are left out.
    """
    config, faces = network.config, clips.faces
    window, device = config.num_frames, next(network.parameters()).device
    seen = [Seen(person, 0, start) for start in range(min(places, faces.settings.frames - window + 1))]
    spoken = own_sound(clips, seen[0])
    first = spoken.frame - places // 2
    heard = [Heard(spoken.utterance, at) for at in range(max(0, first), first + places)]
    heard = [one for one in heard if one.frame <= clips.bank.frames - window]
    frames = np.stack([mouth_window(clips, one, config) for one in seen])
    mel = np.stack([mel_window(clips, one, config) for one in heard])
    visual = network.embed_frames(normalised(torch.from_numpy(frames)).to(device))
    audio = network.embed_mel(torch.from_numpy(mel)[:, None].to(device))
    return np.asarray((visual @ audio.T).float().cpu().numpy(), np.float32)


def _apart(clips: SyncClips, spoken: list[Heard], heard: list[Heard], frames: int) -> NDArray[np.bool_]:
    shown, sounding = (
        np.stack([clips.bank.visemes(one.utterance, one.frame, frames).ravel() for one in some])
        for some in (spoken, heard)
    )
    difference = np.sqrt(np.mean((shown[:, None] - sounding[None]) ** 2, axis=2))
    return np.asarray(difference >= LOOK_ALIKE_RMS)
