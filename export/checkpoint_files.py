"""Reading checkpoint files, without running anything that is in them."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from services.common.errors import CheckpointUnreadable, ModelMissing


@dataclass(frozen=True)
class Checkpoint:
    """A file's tensors by name, mapped from disk where the format allows, and what the file says about them."""

    path: Path
    tensors: Mapping[str, Tensor]
    dims: Mapping[str, object] | None = None
    """OpenAI Whisper's network dimensions."""
    global_step: int | None = None
    """Training step, where a training run wrote the file."""


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads `.safetensors`, or torch's format under any other suffix (`.pt`, `.bin`, …).

    A torch file holds a plain dict of tensors, LatentSync's {"state_dict", "global_step"} or OpenAI's {"dims",
    "model_state_dict"}. Raises ModelMissing, or CheckpointUnreadable for a damaged file, one that holds anything but
    floating-point tensors, and a pickle that calls code (which is not executed).
    """
    if not path.is_file():
        raise ModelMissing(f"There is no checkpoint at {path}.", path=str(path))
    content = _read_content(path)
    if not isinstance(content, Mapping):
        raise _unreadable(path, f"it holds a {type(content).__name__}, not named tensors")
    if "state_dict" in content:
        return Checkpoint(path, _tensors(path, content["state_dict"]), global_step=content.get("global_step"))
    if "model_state_dict" in content:
        return Checkpoint(path, _tensors(path, content["model_state_dict"]), dims=content.get("dims"))
    return Checkpoint(path, _tensors(path, content))


def _read_content(path: Path) -> object:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        # Only torch's zip format can be mapped; files from before 2020 cannot.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a damaged file makes the parsers raise almost anything
        reason = str(error).strip().partition("\n")[0].removesuffix(".") or type(error).__name__
        raise _unreadable(path, reason) from error


def _tensors(path: Path, content: object) -> Mapping[str, Tensor]:
    if not isinstance(content, Mapping) or not content:
        raise _unreadable(path, "it holds no named tensors")
    for name, value in content.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
            raise _unreadable(path, f"{name} is a {kind}, not a floating-point tensor")
    return content


def _unreadable(path: Path, reason: str) -> CheckpointUnreadable:
    return CheckpointUnreadable(f"{path} is not a readable checkpoint: {reason}.", path=str(path), reason=reason)
