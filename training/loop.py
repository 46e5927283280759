"""The loop every training runs: descend, average, save, draw; resumable at any step.

What a step sees follows from the seed, the process and the step number alone, so an interrupted and resumed training
takes the same steps as an uninterrupted one.
"""

import copy
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn

from training.curves import Curves
from training.devices import Device, average_gradients
from training.settings import LoopSettings

BatchT = TypeVar("BatchT")

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"


class Task(Protocol[BatchT]):
    """What one training learns."""

    def batch(self, rng: np.random.Generator) -> BatchT:
        """Draws a batch; runs ahead in another thread."""
        ...

    def losses(self, network: nn.Module, batch: BatchT, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Every loss as a scalar; the one called "total" is descended."""
        ...

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """A picture of what the network does by now, H×W×3 RGB."""
        ...


class Training(Generic[BatchT]):
    """One run of a task in a folder: checkpoint, weights for use, curves and sheets lie there."""

    def __init__(
        self, task: Task[BatchT], network: nn.Module, settings: LoopSettings, directory: Path, device: Device
    ) -> None:
        """An empty folder starts at step 0, another goes on where it stopped."""
        self._task = task
        self._settings = settings
        self._directory = directory
        self._device = device
        self._network = network.to(device.torch_device)
        self._average = copy.deepcopy(self._network).eval().requires_grad_(False)
        self._trained = [parameter for parameter in self._network.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._trained, settings.learning_rate, settings.adam_betas, weight_decay=settings.weight_decay
        )
        self.step = 0
        directory.mkdir(parents=True, exist_ok=True)
        if (directory / CHECKPOINT).exists():
            self._resume()

    @property
    def average(self) -> nn.Module:
        """The network with averaged weights, in evaluation mode: what a training is for."""
        return self._average

    def run(self) -> None:
        """Trains up to the last step; interrupted, it saves and re-raises."""
        curves = Curves(self._directory, since_step=self.step) if self._device.leads else None
        with _progress() as bars, ThreadPoolExecutor(1) as ahead:
            bar = bars.add_task(self._directory.name, total=self._settings.steps, completed=self.step, loss="")
            upcoming = ahead.submit(self._task.batch, self._rng(self.step))
            try:
                while self.step < self._settings.steps:
                    batch = upcoming.result()
                    upcoming = ahead.submit(self._task.batch, self._rng(self.step + 1))
                    losses = self._descend(batch)
                    self.step += 1
                    bars.update(bar, advance=1, loss=f"{losses['total']:.4f}")
                    if curves:
                        curves.add(self.step, losses)
                    if self._due(self._settings.checkpoint_every):
                        self._save()
                    if self._due(self._settings.sheet_every):
                        self._draw()
            finally:
                upcoming.cancel()
                self._save()
                if curves:
                    curves.close()

    def _descend(self, batch: BatchT) -> dict[str, float]:
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * _share_of_rate(self.step, self._settings)
        seed = int(self._rng(self.step).integers(2**62))
        generator = torch.Generator(self._device.torch_device).manual_seed(seed)
        self._network.train()
        with torch.autocast(
            self._device.torch_device.type, torch.bfloat16, enabled=self._settings.precision == "bfloat16"
        ):
            losses = self._task.losses(self._network, batch, generator)
        self._optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()  # type: ignore[no-untyped-call]
        average_gradients(self._trained, self._device)
        norm = nn.utils.clip_grad_norm_(self._trained, self._settings.max_gradient_norm)
        self._optimizer.step()
        self._follow()
        return {name: float(loss.detach()) for name, loss in losses.items()} | {"gradient_norm": float(norm)}

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the averaged weights; early on they keep close to the fast-moving ones."""
        decay = min(self._settings.average_decay, (1 + self.step) / (10 + self.step))
        for averaged, current in zip(
            self._average.state_dict().values(), self._network.state_dict().values(), strict=True
        ):
            if averaged.is_floating_point():
                averaged.lerp_(current, 1 - decay)
            else:
                averaged.copy_(current)

    def _rng(self, step: int) -> np.random.Generator:
        return np.random.default_rng((self._settings.seed, self._device.rank, step))

    def _due(self, every: int) -> bool:
        return self._device.leads and (self.step % every == 0 or self.step == self._settings.steps)

    def _save(self) -> None:
        if not self._device.leads:
            return
        state = {
            "network": self._network.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
        }
        unfinished = self._directory / f"{CHECKPOINT}.part"
        torch.save(state, unfinished)
        os.replace(unfinished, self._directory / CHECKPOINT)
        weights = {name: tensor.contiguous() for name, tensor in self._average.state_dict().items()}
        save_file(weights, self._directory / f"{WEIGHTS}.part", metadata={"step": str(self.step)})
        os.replace(self._directory / f"{WEIGHTS}.part", self._directory / WEIGHTS)

    def _resume(self) -> None:
        state = torch.load(self._directory / CHECKPOINT, map_location=self._device.torch_device, weights_only=True)
        self._network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def _draw(self) -> None:
        picture = self._task.sheet(self._average)
        sheets = self._directory / "sheets"
        sheets.mkdir(exist_ok=True)
        cv2.imwrite(str(sheets / f"{self.step:07}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def _share_of_rate(step: int, settings: LoopSettings) -> float:
    """The part of the learning rate at `step`: linear warm-up, then half a cosine down to a hundredth."""
    warm_up = min(1.0, (step + 1) / max(1, settings.warm_up_steps))
    return warm_up * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / settings.steps))))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]}"),
    )
