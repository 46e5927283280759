"""Checkpoints load whole or not at all."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from export.checkpoint_files import read_checkpoint
from export.checkpoints import load_unet, load_vae, load_whisper
from export.random_weights import randomize
from export.unet import UNet3D, UNetConfig
from export.vae import VaeDecoder, VaeEncoder, build_vae
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import CheckpointMismatch, CheckpointUnreadable, InvalidParameter, ModelMissing

CONFIG = UNetConfig.from_dict(
    {
        "block_out_channels": [32],
        "down_block_types": ["DownBlock3D"],
        "up_block_types": ["UpBlock3D"],
        "layers_per_block": 1,
        "cross_attention_dim": 16,
        "norm_num_groups": 8,
    }
)
VAE_CONFIG: dict[str, object] = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": [8, 16],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "norm_num_groups": 4,
}
DIMS = WhisperDims(n_mels=8, n_audio_ctx=20, n_audio_state=16, n_audio_head=2, n_audio_layer=1)
RELEASED_DIMS = {**vars(DIMS), "n_vocab": 8, "n_text_state": 8, "n_text_head": 1, "n_text_layer": 1, "n_text_ctx": 4}
OLD_VAE_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


class RunsCode:
    """Pickles as a call; unpickling it blindly would copy a file."""

    def __init__(self, source: Path, target: Path) -> None:
        self.paths = (str(source), str(target))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return shutil.copy, self.paths


@pytest.fixture
def unet_tensors() -> dict[str, Tensor]:
    network = UNet3D(CONFIG)
    randomize(network, seed=1)
    return network.state_dict()


@pytest.fixture
def vae_tensors() -> dict[str, Tensor]:
    network = build_vae(VAE_CONFIG)
    randomize(network, seed=1)
    return network.state_dict()


@pytest.fixture
def whisper_tensors() -> dict[str, Tensor]:
    network = WhisperEncoder(DIMS)
    randomize(network, seed=1)
    return {f"encoder.{name}": tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("layout", ["latentsync", "plain", "legacy", "safetensors"])
def test_every_file_layout_gives_the_same_network(unet_tensors: dict[str, Tensor], tmp_path: Path, layout: str) -> None:
    path = tmp_path / ("unet.safetensors" if layout == "safetensors" else "unet.pt")
    if layout == "latentsync":
        torch.save({"state_dict": unet_tensors, "global_step": 7}, path)
    elif layout == "safetensors":
        save_file(unet_tensors, path)
    else:
        torch.save(unet_tensors, path, _use_new_zipfile_serialization=layout == "plain")

    network = load_unet(CONFIG, path)

    assert not network.training
    assert all(torch.equal(tensor, unet_tensors[name]) for name, tensor in network.state_dict().items())
    assert read_checkpoint(path).global_step == (7 if layout == "latentsync" else None)


def test_half_precision_weights_load_as_float32(unet_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in unet_tensors.items()}
    torch.save({"state_dict": halves}, tmp_path / "unet.pt")

    loaded = load_unet(CONFIG, tmp_path / "unet.pt").state_dict()

    assert all(torch.equal(loaded[name], half.float()) for name, half in halves.items())


def test_a_mismatch_names_every_tensor(unet_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    del unet_tensors["conv_out.bias"], unet_tensors["time_embedding.linear_1.weight"]
    unet_tensors["conv_in.weight"] = torch.zeros(32, 9, 3, 3)
    unet_tensors["class_embedding.weight"] = torch.zeros(1)
    torch.save({"state_dict": unet_tensors}, tmp_path / "unet.pt")

    with pytest.raises(CheckpointMismatch) as mismatch:
        load_unet(CONFIG, tmp_path / "unet.pt")

    error = mismatch.value
    assert error.fields["missing"] == ["conv_out.bias", "time_embedding.linear_1.weight"]
    assert error.fields["unexpected"] == ["class_embedding.weight"]
    assert error.fields["misshaped"] == ["conv_in.weight is 32×9×3×3 but should be 32×13×3×3"]
    first_line, *lists = str(error).splitlines()
    assert first_line.endswith("2 tensors are missing, 1 unexpected and 1 mis-shaped.")
    assert lists == [
        "Missing: conv_out.bias, time_embedding.linear_1.weight.",
        "Unexpected: class_embedding.weight.",
        "Mis-shaped: conv_in.weight is 32×9×3×3 but should be 32×13×3×3.",
    ]


def test_altered_temporal_positions_are_refused_by_name(unet_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    name = next(name for name in unet_tensors if name.endswith("pos_encoder.pe"))
    unet_tensors[name] = unet_tensors[name].roll(1, dims=1)
    torch.save(unet_tensors, tmp_path / "unet.pt")

    with pytest.raises(CheckpointMismatch, match="1 temporal position tables") as mismatch:
        load_unet(CONFIG, tmp_path / "unet.pt")

    assert mismatch.value.fields["wrong"] == [name]


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.touch()
    payload = {"state_dict": RunsCode(source, target)}
    torch.save(payload, tmp_path / "zip.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(payload, protocol=2))

    for name in ("zip.pt", "bare.pt"):
        with pytest.raises(CheckpointUnreadable):
            load_unet(CONFIG, tmp_path / name)

    assert not target.exists()


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint" * 99, b"PK\x03\x04" + bytes(200)])
def test_a_damaged_file_is_unreadable(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"unet{suffix}"
    path.write_bytes(content)

    with pytest.raises(CheckpointUnreadable, match="is not a readable checkpoint"):
        read_checkpoint(path)


def test_a_truncated_file_is_unreadable(unet_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    for name, save in (("unet.pt", torch.save), ("unet.safetensors", save_file)):
        path = tmp_path / name
        save(unet_tensors, path)
        path.write_bytes(path.read_bytes()[:-1000])

        with pytest.raises(CheckpointUnreadable):
            read_checkpoint(path)


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"weight": 3}, {"state_dict": {"w": torch.zeros(2, dtype=torch.int8)}}]
)
def test_anything_but_named_float_tensors_is_unreadable(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "unet.pt")

    with pytest.raises(CheckpointUnreadable):
        read_checkpoint(tmp_path / "unet.pt")


def test_an_absent_file_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no checkpoint at .*unet\.pt"):
        read_checkpoint(tmp_path / "unet.pt")


def test_whisper_loads_from_openais_layout_without_its_decoder(
    whisper_tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    decoder = {"decoder.token_embedding.weight": torch.zeros(8, 8)}
    stored = {name: tensor.half() for name, tensor in (whisper_tensors | decoder).items()}
    torch.save({"dims": RELEASED_DIMS, "model_state_dict": stored}, tmp_path / "tiny.pt")

    encoder = load_whisper(tmp_path / "tiny.pt")

    assert encoder.dims == DIMS
    expected = stored["encoder.blocks.0.attn.key.weight"].float()
    assert torch.equal(encoder.state_dict()["blocks.0.attn.key.weight"], expected)
    assert encoder(torch.zeros(1, 8, 10)).shape == (1, 5, 2, 16)


def test_whisper_mismatches_carry_the_files_names(whisper_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    del whisper_tensors["encoder.ln_post.bias"]
    whisper_tensors["head.weight"] = torch.zeros(1)
    save_file(whisper_tensors, tmp_path / "whisper.safetensors")

    with pytest.raises(CheckpointMismatch) as mismatch:
        load_whisper(tmp_path / "whisper.safetensors", DIMS)

    assert mismatch.value.fields["missing"] == ["encoder.ln_post.bias"]
    assert mismatch.value.fields["unexpected"] == ["head.weight"]


def test_whisper_dims_must_be_known_and_agree(whisper_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(whisper_tensors, tmp_path / "whisper.safetensors")
    with pytest.raises(InvalidParameter, match="does not say its Whisper dims"):
        load_whisper(tmp_path / "whisper.safetensors")

    torch.save({"dims": RELEASED_DIMS, "model_state_dict": whisper_tensors}, tmp_path / "tiny.pt")
    with pytest.raises(CheckpointMismatch, match="n_audio_head=4"):
        load_whisper(tmp_path / "tiny.pt", WhisperDims(8, 20, 16, 4, 1))


def old_vae_name(name: str) -> str:
    for current, old in OLD_VAE_NAMES.items():
        if ".attentions." in name:
            name = name.replace(f".{current}.", f".{old}.")
    return name


@pytest.mark.parametrize("as_kernels", [False, True])
def test_both_vae_attention_namings_load_equal(
    vae_tensors: dict[str, Tensor], tmp_path: Path, as_kernels: bool
) -> None:
    old = {
        old_vae_name(name): tensor[:, :, None, None]
        if as_kernels and old_vae_name(name) != name and tensor.ndim == 2
        else tensor
        for name, tensor in vae_tensors.items()
    }
    assert len(old.keys() - vae_tensors.keys()) == 16
    torch.save(old, tmp_path / "old.bin")
    save_file(vae_tensors, tmp_path / "current.safetensors")

    from_old = load_vae(VAE_CONFIG, tmp_path / "old.bin")
    from_current = load_vae(VAE_CONFIG, tmp_path / "current.safetensors")

    images, latents = torch.rand(1, 3, 16, 24), torch.rand(1, 4, 4, 6)
    assert torch.equal(VaeEncoder(from_old)(images), VaeEncoder(from_current)(images))
    assert torch.equal(VaeDecoder(from_old)(latents), VaeDecoder(from_current)(latents))


def test_a_vae_layer_under_both_names_is_refused(vae_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    name = "encoder.mid_block.attentions.0.to_q.weight"
    torch.save(vae_tensors | {old_vae_name(name): vae_tensors[name]}, tmp_path / "vae.bin")

    with pytest.raises(CheckpointMismatch, match=f"{name} twice"):
        load_vae(VAE_CONFIG, tmp_path / "vae.bin")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"colour": 1}, "unknown keys: colour"), ({"norm_num_groups": 3}, "must be divisible by num_groups")],
)
def test_an_impossible_vae_configuration_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidParameter, match=complaint):
        build_vae(VAE_CONFIG | changes)
