"""Where training data and trainings lie in the work folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainedFiles:
    """Checkpoints of a trained variant, safetensors."""

    whisper: Path
    vae: Path
    unet: Path


@dataclass(frozen=True)
class WorkFolder:
    root: Path

    def speech(self, split: str) -> Path:
        return self.root / f"speech_{split}.npz"

    def faces(self, split: str) -> Path:
        return self.root / f"faces_{split}"

    def run(self, name: str) -> Path:
        """The folder of one training."""
        return self.root / name

    @property
    def trained(self) -> TrainedFiles:
        """What the trainings leave for one another and for export."""
        return TrainedFiles(
            self.run("whisper") / "encoder.safetensors",
            self.run("vae") / "vae.safetensors",
            self.run("unet") / "weights.safetensors",
        )
