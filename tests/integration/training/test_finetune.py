"""A released network is trained on prepared clips: what changes and what does not."""

import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from export.checkpoints import load_unet
from export.random_weights import randomize
from export.unet import UNet3D, UNetConfig
from export.unet_config import MotionConfig
from export.vae import build_vae
from export.variants import Variant
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import CheckpointMismatch, InvalidParameter
from training.curves import ROWS_EVERY
from training.devices import Device
from training.finetune import ReleasedFiles, finetune, with_available_losses
from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import StableSyncNetConfig, TowerConfig
from training.synthetic.clip import write_mp4
from training.unet import UNetSettings

TINY = Variant(
    "tiny",
    32,
    UNetConfig(
        block_out_channels=(32, 32),
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=8,
        norm_num_groups=8,
        motion_module_resolutions=(1,),
        motion_module_kwargs=MotionConfig(num_attention_heads=2),
    ),
    WhisperDims(80, 1500, 8, 2, 1),
    {
        "block_out_channels": (8, 8, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
    },
)
CPU = Device(torch.device("cpu"), rank=0, processes=1)
SETTINGS = UNetSettings.model_validate(
    {
        "steps": 2,
        "batch_size": 1,
        "learning_rate": 1e-3,
        "warm_up_steps": 0,
        "average_decay": 0,
        "frames": 16,
        "trained": ("motion_modules.", "attentions."),
        "pixel_share": 1.0,
        "sync_weight": 0.05,
        "trepa_weight": 10.0,
        "sheet_every": 1000,
    }
)
NARROW_SYNCNET = StableSyncNetConfig(
    resolution=16,
    visual_encoder=TowerConfig(
        in_channels=48,
        block_out_channels=(16, 16),
        downsample_factors=((2, 4), (4, 4)),
        attn_blocks=(0, 0),
        norm_num_groups=4,
    ),
    audio_encoder=TowerConfig(
        in_channels=1,
        block_out_channels=(8, 16),
        downsample_factors=((10, 8), (8, 7)),
        attn_blocks=(0, 0),
        norm_num_groups=4,
    ),
)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> ReleasedFiles:
    folder = tmp_path_factory.mktemp("released")
    unet, vae, whisper = UNet3D(TINY.unet), build_vae(TINY.vae), WhisperEncoder(TINY.whisper)
    for network in (unet, vae, whisper):
        randomize(network, seed=1)
    torch.save({"state_dict": unet.state_dict(), "global_step": 7}, folder / "latentsync_unet.pt")
    save_file(vae.state_dict(), folder / "vae.safetensors")
    speech = {f"encoder.{name}": tensor for name, tensor in whisper.state_dict().items()}
    torch.save({"dims": vars(TINY.whisper), "model_state_dict": speech}, folder / "whisper.pt")
    return ReleasedFiles(folder / "latentsync_unet.pt", folder / "vae.safetensors", folder / "whisper.pt")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for name in ("a-000", "b-000"):
        faces = (rng.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(40))
        write_mp4(folder / f"{name}.mp4", faces, None, 25, (32, 32))
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(rng.integers(-3000, 3000, 40 * 640, np.int16).tobytes())
    return folder


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def watch(clips: Tensor) -> Tensor:
    """A video encoder: the course of the brightness."""
    return clips.mean(dim=(1, 3, 4))


def test_only_attention_and_motion_learn_and_the_weights_can_be_exported(
    released: ReleasedFiles, clips: Path, tmp_path: Path
) -> None:
    syncnet = StableSyncNet(NARROW_SYNCNET).requires_grad_(False)

    settings = SETTINGS.model_copy(update={"steps": ROWS_EVERY})

    weights = finetune(settings, TINY, released, clips, tmp_path, CPU, syncnet, watch)

    before = torch.load(released.unet, weights_only=True)["state_dict"]
    learnt = changed(before, load_unet(TINY.unet, weights).state_dict())
    assert all("motion_modules." in name or "attentions." in name for name in learnt)
    assert any("motion_modules." in name for name in learnt)
    assert any("attn2.to_k" in name for name in learnt)
    header, *rows = (tmp_path / "losses.csv").read_text().splitlines()
    assert {"denoising", "sync", "trepa", "total"} <= set(header.split(","))
    assert np.isfinite([float(value) for value in rows[-1].split(",")]).all()


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(
    released: ReleasedFiles, clips: Path, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"steps": 3})
    whole = finetune(settings, TINY, released, clips, tmp_path / "whole", CPU, video_encoder=watch)

    with pytest.raises(KeyboardInterrupt):
        finetune(settings, TINY, released, clips, tmp_path / "parts", CPU, video_encoder=Interrupting(looks=3))
    interrupted_at = torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"]
    parts = finetune(settings, TINY, released, clips, tmp_path / "parts", CPU, video_encoder=watch)

    assert interrupted_at == 1
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"] == 3
    assert not changed(load_file(whole), load_file(parts))


class Interrupting:
    """Looks at true and made faces in every step, and gives up in the one after `looks`."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    def __call__(self, clips: Tensor) -> Tensor:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return watch(clips)


def test_a_network_of_another_shape_is_refused(released: ReleasedFiles, clips: Path, tmp_path: Path) -> None:
    swapped = ReleasedFiles(released.vae, released.vae, released.whisper)

    with pytest.raises(CheckpointMismatch):
        finetune(SETTINGS, TINY, swapped, clips, tmp_path, CPU)


def test_losses_without_their_network_are_left_out() -> None:
    alone = with_available_losses(SETTINGS, None, None)
    watched = with_available_losses(SETTINGS, None, watch)

    assert (alone.sync_weight, alone.trepa_weight, alone.pixel_share) == (0, 0, 0)
    assert (watched.sync_weight, watched.trepa_weight, watched.pixel_share) == (0, 10, 1)


def test_clips_must_be_as_long_as_the_sync_networks_windows() -> None:
    with pytest.raises(InvalidParameter, match="16 frames"):
        with_available_losses(SETTINGS.model_copy(update={"frames": 8}), StableSyncNet(NARROW_SYNCNET), None)
