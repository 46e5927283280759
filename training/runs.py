"""Where training data and trainings lie in the work folder."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from services.common.content_hash import file_sha256


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

    def kept(self, kind: str, suffix: str, *sources: Path) -> Path:
        """Where something computed from `sources` is kept: another name as soon as one of them is another file."""
        digest = hashlib.sha256("".join(map(file_sha256, sources)).encode()).hexdigest()
        return self.root / "kept" / f"{kind}-{digest[:16]}{suffix}"

    @property
    def trained(self) -> TrainedFiles:
        """What the trainings leave for one another and for export."""
        return TrainedFiles(
            self.run("whisper") / "encoder.safetensors",
            self.run("vae") / "vae.safetensors",
            self.run("unet") / "weights.safetensors",
        )
