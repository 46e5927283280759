"""Trains StableSyncNet on drawn people."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.devices import join_devices
from training.loop import Training
from training.losses.sync import all_cosines, all_pairs_bce, contrast
from training.settings import LoopSettings
from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import StableSyncNetConfig
from training.sync_batches import (
    SyncBatch,
    ToldApart,
    batch_told_apart,
    cosines_over_time,
    disguised,
    draw_batch,
    louder_or_softer,
    told_apart,
)
from training.sync_windows import SyncClips

_SHEET_PEOPLE, _SHEET_PLACES, _SHEET_CELL_PX = 8, 31, 16
_TEST_BATCHES = 16
_MOTION_GAIN = 4.0


class SyncNetSettings(LoopSettings):
    """The loop's settings, `batch_size` counting windows of faces, and the network's shape."""

    network: StableSyncNetConfig


class SyncTask:
    """Telling whose mouths speak which sound.

    Cross-entropy of the cosine alone, on as many pairs as windows, stays at chance for thousands of steps. So all faces
    of a batch are compared with all sounds, and the right sound must also be the nearest one.
    """

    def __init__(self, settings: SyncNetSettings, trained: SyncClips, validated: SyncClips) -> None:
        self._settings = settings
        self._trained = trained
        self._validated = validated

    def batch(self, rng: np.random.Generator) -> SyncBatch:
        return draw_batch(rng, self._trained, self._settings.batch_size, self._settings.network)

    def losses(self, network: nn.Module, batch: SyncBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        device = next(network.parameters()).device
        mel = louder_or_softer(batch.mel.to(device), generator)
        cosine = all_cosines(*network(disguised(batch.frames.to(device), generator), mel))
        apart = batch.apart.to(device)
        bce, contrasted = all_pairs_bce(cosine, apart), contrast(cosine, apart)
        right = torch.tensor(told_apart(cosine, apart).mean)
        return {"total": bce + contrasted, "bce": bce, "contrast": contrasted, "accuracy": right}

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """For some unseen people, one below the other, `cosines_over_time` from black to white."""
        assert isinstance(network, StableSyncNet)
        people = range(min(_SHEET_PEOPLE, len(self._validated.faces.faces)))
        cosines = [cosines_over_time(network, self._validated, person, _SHEET_PLACES) for person in people]
        padded = [np.pad(np.clip(one, 0, 1) * 255, ((0, 1), (0, _SHEET_PLACES - one.shape[1]))) for one in cosines]
        grey = np.concatenate(padded).astype(np.uint8)
        large = cv2.resize(grey, None, fx=_SHEET_CELL_PX, fy=_SHEET_CELL_PX, interpolation=cv2.INTER_NEAREST)
        return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), np.uint8)


def train(settings: SyncNetSettings, trained: SyncClips, validated: SyncClips, directory: Path) -> ToldApart:
    """Trains, or goes on training, in `directory`; returns how people and voices never seen are told apart."""
    torch.manual_seed(settings.seed)
    network = StableSyncNet(settings.network)
    watch_motion(network)
    training = Training(SyncTask(settings, trained, validated), network, settings, directory, join_devices())
    training.run()
    average = training.average
    assert isinstance(average, StableSyncNet)
    rng = np.random.default_rng(settings.seed)
    batches = (draw_batch(rng, validated, settings.batch_size, settings.network) for _ in range(_TEST_BATCHES))
    told = [batch_told_apart(average, batch) for batch in batches]
    return ToldApart(*(float(np.mean([getattr(one, field.name) for one in told])) for field in fields(ToldApart)))


@torch.no_grad()
def watch_motion(network: StableSyncNet) -> None:
    """Makes an untrained network see first of all what changes from frame to frame.

    People differ much more than one mouth does in 0.6 s: with filters that see stills the person drowns the mouth, and
    learning begins ten times later.
    """
    filters = network.visual_encoder.conv_in.weight
    by_frame = filters.reshape(len(filters), network.config.num_frames, 3, *filters.shape[2:])
    filters.copy_(_MOTION_GAIN * (by_frame - by_frame.mean(dim=1, keepdim=True)).flatten(1, 2))
