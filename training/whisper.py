"""Trains variant 1's Whisper encoder on synthetic speech: its hidden states learn to tell what the mouth does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.func import functional_call

from export.unet import timestep_sinusoid
from export.variants import DEMO
from export.whisper import WhisperDims, WhisperEncoder
from services.preprocess.mel import log_mel
from training.devices import join_devices
from training.loop import Training
from training.settings import LoopSettings, Positive

ENCODER_WEIGHTS = "encoder.safetensors"
OFFSETS_ROWS = range(-4, 5)
"""Times, relative to a feature row's own and in rows of 20 ms, at which the row tells the mouth."""
MIN_ROWS = 100
_SHEET_ROWS = 3000
_CHANNEL_WEIGHTS = (2.0, 1.0, 1.0)
_DIGITAL_SILENCE = -1.5
"""What `log_mel` makes of it; nothing is below."""
_DYNAMIC_RANGE = 2.0
"""What `log_mel` leaves of a sound below its maximum: 80 dB."""


class WhisperSettings(LoopSettings):
    window_rows: Positive = 300
    """Feature rows (20 ms) in most windows."""
    full_share: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Batches as the pipeline encodes: 30 s from position 0, filled up behind the sound."""
    mean_head_weight: Annotated[float, Field(ge=0)] = 0.3
    spread_weight: Annotated[float, Field(ge=0)] = 0.02


@dataclass(frozen=True, eq=False)
class Recordings:
    """Sounds one after the other: log-mel float32 [80, T] at 100 Hz and visemes float32 [T // 2, 3] at 50 Hz."""

    mel: NDArray[np.float32]
    visemes: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WhisperBatch:
    mel: Tensor
    """B×80×2R, 0.0 behind the sound."""
    targets: Tensor
    """B×R×27: open, wide, round at each of `OFFSETS_ROWS`."""
    heard: Tensor
    """Bool B×R: rows that belong to the sound."""
    position: int
    """Where in the encoder's position table the first row stands."""


class VisemeReader(nn.Module):
    """The encoder with linear readers of the mouth: from the last hidden state and from the mean of them all."""

    def __init__(self, dims: WhisperDims) -> None:
        super().__init__()
        self.encoder = WhisperEncoder(dims)
        self.encoder.positional_embedding.copy_(whisper_positions(dims.n_audio_ctx, dims.n_audio_state))
        self.from_last = nn.Linear(dims.n_audio_state, 3 * len(OFFSETS_ROWS))
        self.from_mean = nn.Linear(dims.n_audio_state, 3 * len(OFFSETS_ROWS))

    def forward(self, mel: Tensor, position: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """mel B×80×2R → hidden states B×R×(layers+1)×D and both readings B×R×27."""
        positions = self.encoder.positional_embedding[position:]
        states = functional_call(self.encoder, {"positional_embedding": positions}, (mel,))
        return states, self.from_last(states[:, :, -1]), self.from_mean(states.mean(dim=2))


class WhisperTask:
    """Regression of the visemes around each row."""

    def __init__(self, settings: WhisperSettings, trained: Recordings, validation: Recordings) -> None:
        self._settings = settings
        self._trained = trained
        self._validation = validation

    def batch(self, rng: np.random.Generator) -> WhisperBatch:
        context = DEMO.whisper.n_audio_ctx
        if rng.random() < self._settings.full_share:
            return draw_batch(rng, self._trained, 2, context, position=0)
        rows = self._settings.window_rows
        position = int(rng.integers(context - rows + 1))
        return draw_batch(rng, self._trained, self._settings.batch_size, rows, position)

    def losses(self, network: nn.Module, batch: WhisperBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        device = next(network.parameters()).device
        states, last, mean = network(batch.mel.to(device), batch.position)
        heard, targets = batch.heard.to(device), batch.targets.to(device)
        visemes = _squared_error(last, targets, heard)
        mean_visemes = _squared_error(mean, targets, heard)
        spread = states.float()[heard].std(dim=(0, 2)).log().square().sum()
        total = visemes + self._settings.mean_head_weight * mean_visemes + self._settings.spread_weight * spread
        return {"total": total, "visemes": visemes, "mean_visemes": mean_visemes, "spread": spread}

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """Ten seconds each of six stretches: what the mouth does over what is read, as colours (open, wide, round)."""
        assert isinstance(network, VisemeReader)
        read = read_visemes(network, self._validation.mel[:, : 2 * _SHEET_ROWS])
        strips = []
        for start in range(0, len(read), 500):
            for track in (self._validation.visemes, read):
                strip = np.clip(track[start : start + 500] * 255, 0, 255).astype(np.uint8)
                strips.append(np.pad(np.repeat(strip[None], 16, axis=0), ((0, 2), (0, 500 - len(strip)), (0, 0))))
        return np.concatenate(strips)


def whisper_positions(length: int, width: int) -> Tensor:
    """Whisper's position table, length×width: sines then cosines over timescales 1…10000 (Radford et al. 2022)."""
    return timestep_sinusoid(torch.arange(length), width, flip_sin_to_cos=False, freq_shift=1)


def draw_batch(rng: np.random.Generator, recordings: Recordings, count: int, rows: int, position: int) -> WhisperBatch:
    """`count` windows of `rows` rows; every other one ends early and is filled up with 0.0, as the pipeline does it."""
    mel = np.zeros((count, recordings.mel.shape[0], 2 * rows), np.float32)
    targets = np.zeros((count, rows, 3 * len(OFFSETS_ROWS)), np.float32)
    lengths = [int(rng.integers(MIN_ROWS, rows + 1)) if rng.random() < 0.5 else rows for _ in range(count)]
    for index, length in enumerate(lengths):
        start = int(rng.integers(len(recordings.visemes) - length + 1))
        mel[index, :, : 2 * length] = louder_or_softer(rng, recordings.mel[:, 2 * start : 2 * (start + length)])
        targets[index, :length] = around(recordings.visemes[start : start + length])
    inside = np.arange(rows)[None] < np.array(lengths)[:, None]
    return WhisperBatch(torch.from_numpy(mel), torch.from_numpy(targets), torch.from_numpy(inside), position)


def louder_or_softer(rng: np.random.Generator, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """A stretch [80, T] as another microphone had recorded it alone: gain, frequency response, the front end's clamp.

    Now and then the floor is higher, as when something loud happens elsewhere in the sound.
    """
    response = rng.normal(0, 0.12) + np.cumsum(rng.normal(0, 0.008, (len(mel), 1)), axis=0)
    changed = np.maximum(mel + response, _DIGITAL_SILENCE)
    raised = rng.uniform(0, 0.5) if rng.random() < 0.3 else 0.0
    return np.asarray(np.maximum(changed, changed.max() - _DYNAMIC_RANGE + raised), np.float32)


def around(visemes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[R, 3] → [R, 27]: for each row the visemes at all `OFFSETS_ROWS`; beyond the ends the edge row's."""
    rows = np.arange(len(visemes))[:, None] + np.array(OFFSETS_ROWS)
    return np.asarray(visemes[np.clip(rows, 0, len(visemes) - 1)].reshape(len(visemes), -1))


@torch.no_grad()
def hidden_states(network: VisemeReader, mel: NDArray[np.float32]) -> Tensor:
    """The states of a sound [80, T] as the pipeline encodes it, 30 s at a time: [T // 2, layers + 1, D]."""
    length = 2 * network.encoder.dims.n_audio_ctx
    blocks = [mel[:, start : start + length] for start in range(0, mel.shape[1], length)]
    filled = np.stack([np.pad(block, ((0, 0), (0, length - block.shape[1]))) for block in blocks])
    device = next(network.parameters()).device
    return torch.cat([network(torch.from_numpy(one[None]).to(device))[0][0] for one in filled])[: mel.shape[1] // 2]


@torch.no_grad()
def read_visemes(network: VisemeReader, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the last hidden state of a sound [80, T] says about the mouth at its own time, [T // 2, 3]."""
    own = 3 * OFFSETS_ROWS.index(0)
    read = network.from_last(hidden_states(network, mel)[:, -1])[:, own : own + 3]
    return np.asarray(read.float().cpu().numpy(), np.float32)


def viseme_correlations(network: VisemeReader, voices: list[Recordings]) -> NDArray[np.float64]:
    """Pearson's correlations of true and read open, wide and round over all voices, [3]."""
    read = np.concatenate([read_visemes(network, voice.mel) for voice in voices])
    true = np.concatenate([voice.visemes for voice in voices])
    return np.array([np.corrcoef(read[:, axis], true[:, axis])[0, 1] for axis in range(3)])


def train(settings: WhisperSettings, trained: Recordings, validation: Recordings, directory: Path) -> VisemeReader:
    """Trains, or goes on training, in `directory`, and leaves the averaged encoder there in `ENCODER_WEIGHTS`."""
    device = join_devices()
    torch.manual_seed(settings.seed)
    task = WhisperTask(settings, trained, validation)
    training = Training(task, VisemeReader(DEMO.whisper), settings, directory, device)
    training.run()
    average = training.average
    assert isinstance(average, VisemeReader)
    if device.leads:
        weights = {f"encoder.{name}": tensor.contiguous() for name, tensor in average.encoder.state_dict().items()}
        save_file(weights, directory / ENCODER_WEIGHTS)
    return average


def record(waves: Sequence[NDArray[np.int16]], visemes: Sequence[NDArray[np.float32]]) -> Recordings:
    """Sounds at 16 kHz, each through the front end as a whole, and their visemes at 100 Hz, [T, 3]."""
    return Recordings(
        np.concatenate([log_mel(wave) for wave in waves], axis=1), np.concatenate([track[::2] for track in visemes])
    )


def _squared_error(read: Tensor, targets: Tensor, heard: Tensor) -> Tensor:
    weights = torch.tensor(_CHANNEL_WEIGHTS * len(OFFSETS_ROWS), device=read.device)
    return ((read.float()[heard] - targets[heard]).square() * weights).mean()
