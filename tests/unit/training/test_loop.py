"""The training loop: steps follow from the seed alone, so that stopping and going on changes nothing."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from training.devices import Device
from training.loop import WEIGHTS, Training
from training.settings import LoopSettings

ALONE = Device(torch.device("cpu"), 0, 1)
SETTINGS = LoopSettings(
    steps=40, batch_size=8, learning_rate=0.3, warm_up_steps=5, checkpoint_every=10, sheet_every=20, average_decay=0.9
)


@dataclass
class Line:
    """Learns y = 3x − 1 from noisy points; may be interrupted."""

    stop_at_batch: int | None = None
    drawn: int = 0

    def batch(self, rng: np.random.Generator) -> NDArray[np.float32]:
        self.drawn += 1
        if self.drawn == self.stop_at_batch:
            raise KeyboardInterrupt
        x = rng.normal(size=8)
        return np.stack([x, 3 * x - 1 + 0.01 * rng.normal(size=8)]).astype(np.float32)

    def losses(
        self, network: nn.Module, batch: NDArray[np.float32], generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        x, y = torch.from_numpy(batch)
        x = x + 0.01 * torch.randn(x.shape, generator=generator)
        return {"total": (network(x[:, None])[:, 0] - y).square().mean()}

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        return np.zeros((2, 2, 3), np.uint8)


def network() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def trained(directory: Path, task: Line, settings: LoopSettings = SETTINGS) -> dict[str, Tensor]:
    Training(task, network(), settings, directory, ALONE).run()
    return load_file(directory / WEIGHTS)


def test_training_lowers_the_loss_and_writes_curves_and_sheets(tmp_path: Path) -> None:
    trained(tmp_path, Line())

    with (tmp_path / "losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [10, 20, 30, 40]
    assert float(rows[-1]["total"]) < 0.1 * float(rows[0]["total"])
    assert [path.name for path in sorted((tmp_path / "sheets").iterdir())] == ["0000020.png", "0000040.png"]


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", Line())

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", Line(stop_at_batch=24))
    parts = trained(tmp_path / "parts", Line())

    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_curves_of_lost_steps_are_dropped_on_resuming(tmp_path: Path) -> None:
    trained(tmp_path, Line(), SETTINGS.model_copy(update={"steps": 20}))
    with (tmp_path / "losses.csv").open("a") as file:
        file.write("30,9,9\n")

    trained(tmp_path, Line())

    steps = [int(row["step"]) for row in csv.DictReader((tmp_path / "losses.csv").open())]
    assert steps == [10, 20, 30, 40]


def test_frozen_parameters_stay_as_they_are(tmp_path: Path) -> None:
    frozen = network()
    frozen.bias.requires_grad_(False)
    before = frozen.bias.clone()

    Training(Line(), frozen, SETTINGS, tmp_path, ALONE).run()

    assert torch.equal(load_file(tmp_path / WEIGHTS)["bias"], before)
