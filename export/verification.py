"""What a checkpoint file is, and whether every tensor of its network is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from export.checkpoint_files import read_checkpoint
from export.checkpoint_identity import identify
from export.checkpoints import load_unet, load_vae, load_whisper
from export.variants import LATENTSYNC_16
from services.common.errors import CheckpointMismatch


@dataclass(frozen=True)
class CheckpointReport:
    """A checkpoint that fits its network exactly."""

    network: str
    """`unet`, `whisper` or `vae`."""
    tensors: int
    parameters: int
    """Trained numbers; the position tables that checkpoints carry are not counted."""
    sha256: str
    recorded_variant: str | None


def verify_checkpoint(path: Path) -> CheckpointReport:
    """Recognises the network by its tensor names and loads it strictly, with the released models' shapes.

    1.5 and 1.6 have the same shapes, so only the record beside the file can tell them apart.
    Raises CheckpointMismatch, naming the tensors, and what reading and identifying the file raise.
    """
    checkpoint = read_checkpoint(path)
    network = _recognised(path, checkpoint.tensors)
    module: nn.Module
    match network:
        case "unet":
            module = load_unet(LATENTSYNC_16.unet, path)
        case "whisper":
            module = load_whisper(path, None if checkpoint.dims else LATENTSYNC_16.whisper)
        case _:
            module = load_vae(LATENTSYNC_16.vae, path)
    identity = identify(path)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return CheckpointReport(network, len(module.state_dict()), parameters, identity.sha256, identity.recorded_variant)


_SIGNATURES = {"unet": "time_embedding.", "whisper": "encoder.blocks.", "vae": "encoder.down_blocks."}
"""A prefix that only this network's tensor names have."""


def _recognised(path: Path, names: Iterable[str]) -> str:
    for network, prefix in _SIGNATURES.items():
        if any(name.startswith(prefix) for name in names):
            return network
    raise CheckpointMismatch(
        f"{path} holds neither LatentSync's UNet, Whisper's encoder nor Stable Diffusion's VAE.", path=str(path)
    )
