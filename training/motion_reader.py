"""Trains the small video encoder: to read from drawn clips how mouths move and which way time runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from export.checkpoint_files import read_checkpoint
from export.checkpoints import load_strictly
from training.devices import join_devices
from training.face_clips import FaceClips
from training.loop import Training
from training.losses.trepa import encoder_input
from training.settings import LoopSettings
from training.speech_bank import SpeechBank
from training.video_encoder import FRAMES, SmallVideoEncoder

VISEMES = 3
DIRECTION_WEIGHT = 0.1
_SHEET_PEOPLE, _SHEET_CELL_PX = 8, 12


class MotionReader(nn.Module):
    """What the encoder is trained under: from its features, every frame's visemes and whether time runs backwards."""

    def __init__(self, encoder: SmallVideoEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.visemes = nn.Linear(encoder.features, FRAMES * VISEMES)
        self.backwards = nn.Linear(encoder.features, 1)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Clips as the encoder takes them → visemes B×16×3 and the logit, B, of a clip being reversed."""
        features = self.encoder(clips)
        return self.visemes(features).reshape(-1, FRAMES, VISEMES), self.backwards(features)[:, 0]


def load_video_encoder(path: Path) -> SmallVideoEncoder:
    """The encoder of a training's weights, for `trepa`. Raises CheckpointMismatch and what `read_checkpoint` raises."""
    reader = MotionReader(SmallVideoEncoder())
    load_strictly(reader, read_checkpoint(path).tensors, path)
    return reader.encoder


def motion_losses(
    reader: Callable[[Tensor], tuple[Tensor, Tensor]], clips: Tensor, visemes: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """MSE of the visemes B×16×3, and cross-entropy of the direction, half the clips being reversed at random.

    The order of time is the pretext of Misra et al. 2016 (arXiv:1603.08561), reduced to two classes.
    """
    turned = torch.rand(len(clips), generator=generator, device=generator.device).to(clips.device) < 0.5
    shown = torch.where(turned[:, None, None, None, None], clips.flip(2), clips)
    spoken = torch.where(turned[:, None, None], visemes.flip(1), visemes)
    read, backwards = reader(shown)
    mouth = functional.mse_loss(read, spoken)
    direction = functional.binary_cross_entropy_with_logits(backwards, turned.float())
    return {"total": mouth + DIRECTION_WEIGHT * direction, "mouth": mouth, "direction": direction}


@dataclass(frozen=True, eq=False)
class MotionBatch:
    """Faces uint8 [B, 16, R, R, 3] and their visemes float32 [B, 16, 3]."""

    faces: Tensor
    visemes: Tensor


class MotionReaderTask:
    """Reading mouths from clips."""

    def __init__(self, batch_size: int, faces: FaceClips, bank: SpeechBank) -> None:
        self._batch_size = batch_size
        self._faces = faces
        self._bank = bank

    def batch(self, rng: np.random.Generator) -> MotionBatch:
        people, takes, frames = self._faces.faces.shape[:3]
        most = (people, takes, frames - FRAMES + 1)
        drawn = [self._window(*(int(rng.integers(one)) for one in most)) for _ in range(self._batch_size)]
        faces, visemes = (torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True))
        return MotionBatch(faces, visemes)

    def _window(self, person: int, take: int, start: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        faces = self._faces
        spoken = int(faces.utterance[person, take]), int(faces.first_frame[person, take]) + start
        return faces.faces[person, take, start : start + FRAMES], self._bank.visemes(*spoken, FRAMES)

    def losses(self, network: nn.Module, batch: MotionBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        device = next(network.parameters()).device
        return motion_losses(network, _encoder_clips(batch.faces.to(device)), batch.visemes.to(device), generator)

    @torch.no_grad()
    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """For some people a row of true visemes, as colours frame by frame, over the row that is read."""
        drawn = [self._window(person, 0, 0) for person in range(min(_SHEET_PEOPLE, len(self._faces.faces)))]
        faces = torch.from_numpy(np.stack([faces for faces, _ in drawn])).to(next(network.parameters()).device)
        read = network(_encoder_clips(faces))[0].float().cpu().numpy()
        rows = np.concatenate([[true, shown] for (_, true), shown in zip(drawn, read, strict=True)])
        colours = (np.clip(rows, 0, 1) * 255).astype(np.uint8)
        return np.asarray(colours.repeat(_SHEET_CELL_PX, axis=0).repeat(_SHEET_CELL_PX, axis=1))


def _encoder_clips(faces: Tensor) -> Tensor:
    """uint8 B×16×R×R×3 → what the encoder takes."""
    return encoder_input(faces.permute(0, 4, 1, 2, 3) / 127.5 - 1)


def train(settings: LoopSettings, faces: FaceClips, bank: SpeechBank, directory: Path) -> None:
    """Trains, or goes on training, in `directory`."""
    torch.manual_seed(settings.seed)
    reader = MotionReader(SmallVideoEncoder())
    Training(MotionReaderTask(settings.batch_size, faces, bank), reader, settings, directory, join_devices()).run()
