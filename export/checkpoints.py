"""Checkpoints into networks, strictly: every tensor of the file is used and every tensor of the network is given."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from export.checkpoint_files import read_checkpoint
from export.motion_module import PositionEncoding, sinusoidal_positions
from export.unet import UNet3D, UNetConfig
from export.vae import build_vae
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import CheckpointMismatch, InvalidParameter

POSITION_TOLERANCE = 1e-3
"""Half precision holds the position tables' values (−1…1) to 5e-4."""

_VAE_ATTENTION_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def load_unet(config: UNetConfig, path: Path) -> UNet3D:
    """LatentSync's UNet in float32, for inference.

    Raises CheckpointMismatch, also if a stored position table is not the sinusoidal one, and what `read_checkpoint`
    raises.
    """
    with torch.device("meta"):
        network = UNet3D(config)
    load_strictly(network, read_checkpoint(path).tensors, path)
    _require_sinusoidal_positions(network, path)
    return network


def load_whisper(path: Path, dims: WhisperDims | None = None) -> WhisperEncoder:
    """Whisper's encoder in float32, for inference; a file's text decoder (`decoder.*`) is left unread.

    `dims` is needed where the file has none. Raises CheckpointMismatch (also if the file's dims are others),
    InvalidParameter without any dims, and what `read_checkpoint` raises.
    """
    checkpoint = read_checkpoint(path)
    stored = None if checkpoint.dims is None else WhisperDims.from_dict(checkpoint.dims)
    if dims is not None and stored is not None and dims != stored:
        raise CheckpointMismatch(f"{path} was made with {stored}, not {dims}.", path=str(path))
    used = dims or stored
    if used is None:
        raise InvalidParameter(f"{path} does not say its Whisper dims, so they must be given.", path=str(path))
    with torch.device("meta"):
        network = WhisperEncoder(used)
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if not name.startswith("decoder.")}
    load_strictly(network, tensors, path, prefix="encoder.")
    return network


def load_vae(config: Mapping[str, object], path: Path) -> AutoencoderKL:
    """diffusers' autoencoder in float32, for inference, from either naming of its attention layers.

    Raises CheckpointMismatch, InvalidParameter for the config, and what `read_checkpoint` raises.
    """
    with torch.device("meta"):
        network = build_vae(config)
    load_strictly(network, with_current_attention_names(read_checkpoint(path).tensors, path), path)
    return network


def with_current_attention_names(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Old VAE attention names (query, key, value, proj_attn) as to_q, to_k, to_v, to_out.0; 1×1 kernels as matrices.

    Raises CheckpointMismatch if a file holds a layer under both names.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        current, kernel = _current_name(name), tensor
        if ".attentions." in name and tensor.ndim == 4 and tensor.shape[2:] == (1, 1):
            kernel = tensor[:, :, 0, 0]
        if current in renamed:
            raise CheckpointMismatch(f"{path} holds {current} twice, under its old and its new name.", path=str(path))
        renamed[current] = kernel
    return renamed


def _current_name(name: str) -> str:
    module, _, kind = name.rpartition(".")
    parent, _, layer = module.rpartition(".")
    if ".attentions." in name and layer in _VAE_ATTENTION_NAMES:
        return f"{parent}.{_VAE_ATTENTION_NAMES[layer]}.{kind}"
    return name


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], path: Path, prefix: str = "") -> None:
    """Gives `network` exactly `tensors`, as float32, and sets it up for inference.

    Names in the file start with `prefix`. The network's own tensors are replaced, so they may be on the meta device.
    Raises CheckpointMismatch that names every missing, unexpected and mis-shaped tensor.
    """
    expected = {prefix + name: tensor.shape for name, tensor in network.state_dict().items()}
    missing = sorted(expected.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - expected.keys())
    misshaped = [
        f"{name} is {_shape(tensors[name].shape)} but should be {_shape(shape)}"
        for name, shape in expected.items()
        if name in tensors and tensors[name].shape != shape
    ]
    if missing or unexpected or misshaped:
        raise CheckpointMismatch(
            f"{path} does not fit the network: {len(missing)} tensors are missing, {len(unexpected)} unexpected and"
            f" {len(misshaped)} mis-shaped."
            + _listed("Missing", missing)
            + _listed("Unexpected", unexpected)
            + _listed("Mis-shaped", misshaped),
            path=str(path),
            missing=missing,
            unexpected=unexpected,
            misshaped=misshaped,
        )
    network.load_state_dict({name.removeprefix(prefix): t.float() for name, t in tensors.items()}, assign=True)
    network.eval().requires_grad_(False)


def _shape(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape)) or "a scalar"


def _listed(title: str, names: list[str]) -> str:
    return f"\n{title}: {', '.join(names)}." if names else ""


def _require_sinusoidal_positions(network: UNet3D, path: Path) -> None:
    wrong = [
        f"{name}.pe"
        for name, module in network.named_modules()
        if isinstance(module, PositionEncoding)
        and not torch.allclose(
            module.pe[0], sinusoidal_positions(*module.pe.shape[1:]), rtol=0, atol=POSITION_TOLERANCE
        )
    ]
    if wrong:
        raise CheckpointMismatch(
            f"{path} holds {len(wrong)} temporal position tables that are not sinusoidal." + _listed("Wrong", wrong),
            path=str(path),
            wrong=wrong,
        )
