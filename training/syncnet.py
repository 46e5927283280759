"""Trains StableSyncNet on drawn people."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.devices import join_devices
from training.loop import Training
from training.losses.sync import cosine_bce
from training.settings import LoopSettings
from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import StableSyncNetConfig
from training.sync_batches import SyncBatch, accuracy, batch_accuracy, cosines_over_time, disguised, draw_batch
from training.sync_windows import SyncClips

_SHEET_PEOPLE, _SHEET_PLACES, _SHEET_CELL_PX = 4, 25, 8
_TEST_BATCHES = 8


class SyncNetSettings(LoopSettings):
    """The loop's settings and the network's shape."""

    network: StableSyncNetConfig


class SyncTask:
    """Telling whose mouths speak which sound."""

    def __init__(self, settings: SyncNetSettings, trained: SyncClips, validated: SyncClips) -> None:
        self._settings = settings
        self._trained = trained
        self._validated = validated

    def batch(self, rng: np.random.Generator) -> SyncBatch:
        return draw_batch(rng, self._trained, self._settings.batch_size, self._settings.network)

    def losses(self, network: nn.Module, batch: SyncBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        device = next(network.parameters()).device
        visual, audio = network(disguised(batch.frames.to(device), generator), batch.mel.to(device))
        in_sync = batch.in_sync.to(device)
        return {"total": cosine_bce(visual, audio, in_sync), "accuracy": accuracy(visual, audio, in_sync)}

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """For some unseen people, side by side, `cosines_over_time` from black to white."""
        assert isinstance(network, StableSyncNet)
        people = range(min(_SHEET_PEOPLE, len(self._validated.faces.faces)))
        cosines = [cosines_over_time(network, self._validated, person, _SHEET_PLACES) for person in people]
        width = max(one.shape[1] for one in cosines) + 1
        padded = [np.pad(np.clip(one, 0, 1) * 255, ((0, 1), (0, width - one.shape[1]))) for one in cosines]
        grey = np.concatenate(padded, axis=1).astype(np.uint8)
        large = cv2.resize(grey, None, fx=_SHEET_CELL_PX, fy=_SHEET_CELL_PX, interpolation=cv2.INTER_NEAREST)
        return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), np.uint8)


def train(settings: SyncNetSettings, trained: SyncClips, validated: SyncClips, directory: Path) -> float:
    """Trains, or goes on training, in `directory`; returns the accuracy on people and voices never seen."""
    torch.manual_seed(settings.seed)
    network = StableSyncNet(settings.network)
    training = Training(SyncTask(settings, trained, validated), network, settings, directory, join_devices())
    training.run()
    average = training.average
    assert isinstance(average, StableSyncNet)
    rng = np.random.default_rng(settings.seed)
    batches = (draw_batch(rng, validated, settings.batch_size, settings.network) for _ in range(_TEST_BATCHES))
    return float(np.mean([batch_accuracy(average, batch) for batch in batches]))
