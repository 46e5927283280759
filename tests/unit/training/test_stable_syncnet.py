"""A small StableSyncNet."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from export.random_weights import randomize
from services.common.errors import CheckpointMismatch, InvalidParameter
from training.stable_syncnet import Level, StableSyncNet, load_stable_syncnet
from training.stable_syncnet_config import LATENTSYNC_SYNCNET, Factor, StableSyncNetConfig, TowerConfig

VISUAL: dict[str, Any] = {
    "in_channels": 12,
    "block_out_channels": [8, 16, 16],
    "downsample_factors": [[1, 2], 2, 1],
    "attn_blocks": [0, 1, 0],
    "norm_num_groups": 4,
    "heads": 2,
}
AUDIO: dict[str, Any] = {
    "in_channels": 1,
    "block_out_channels": [8, 32],
    "downsample_factors": [[2, 1], [4, 2]],
    "attn_blocks": [0, 1],
    "norm_num_groups": 4,
}
VALUES: dict[str, Any] = {
    "visual_encoder": VISUAL,
    "audio_encoder": AUDIO,
    "resolution": 32,
    "num_frames": 4,
    "mel_bands": 16,
    "mel_columns": 32,
}
SMALL = StableSyncNetConfig.from_dict(VALUES)


@pytest.fixture
def network() -> StableSyncNet:
    network = StableSyncNet(SMALL)
    randomize(network, seed=1)
    return network.eval()


def windows(batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, 12, 16, 32, generator=generator), torch.rand(batch, 1, 16, 32, generator=generator)


def test_embeddings_are_non_negative_and_of_unit_length(network: StableSyncNet) -> None:
    for embedding in network(*windows(3)):
        assert embedding.shape == (3, SMALL.embedding_width)
        assert embedding.min() == 0
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(3))


def test_every_parameter_matters(network: StableSyncNet) -> None:
    faces, sound = network(*windows(2))

    (faces * sound).sum().backward()

    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_a_row_does_not_depend_on_its_batch(network: StableSyncNet) -> None:
    frames, mel = windows(3)

    torch.testing.assert_close(network.embed_frames(frames)[1], network.embed_frames(frames[1:2])[0])
    torch.testing.assert_close(network.embed_mel(mel)[1], network.embed_mel(mel[1:2])[0])


@pytest.mark.parametrize(("factor", "centre"), [(2, (0, 0)), ((1, 2), (1, 0)), ((2, 1), (0, 1)), ((2, 3), (0, 0))])
def test_a_strided_convolution_starts_at_the_first_pixel(factor: Factor, centre: tuple[int, int]) -> None:
    """Along a strided side nothing is added before the first pixel; along another the kernel is centred."""
    config = TowerConfig(
        in_channels=1, block_out_channels=(1,), downsample_factors=(factor,), attn_blocks=(0,), norm_num_groups=1
    )
    level = Level(1, 1, factor, config)
    nn.init.zeros_(level.conv2.weight)
    for conv in (level.conv2, level.downsample_conv):
        assert conv is not None
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)
    assert level.downsample_conv is not None
    nn.init.zeros_(level.downsample_conv.weight)
    with torch.no_grad():
        level.downsample_conv.weight[0, 0][centre] = 1
    x = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(1))

    rows, columns = factor if isinstance(factor, tuple) else (factor, factor)
    assert torch.equal(level(x), x[:, :, ::rows, ::columns])


def test_the_published_shape_has_the_published_embedding() -> None:
    assert LATENTSYNC_SYNCNET.embedding_width == 2048
    assert LATENTSYNC_SYNCNET.visual_size == (128, 256)


def test_checkpoints_of_training_and_plain_tensors_load_alike(network: StableSyncNet, tmp_path: Path) -> None:
    weights = network.state_dict()
    torch.save({"state_dict": weights, "global_step": 7, "train_loss_list": [0.7]}, tmp_path / "syncnet.pt")
    save_file(weights, tmp_path / "syncnet.safetensors")

    for name in ("syncnet.pt", "syncnet.safetensors"):
        loaded = load_stable_syncnet(SMALL, tmp_path / name)
        assert not loaded.training
        assert all(torch.equal(tensor, weights[key]) for key, tensor in loaded.state_dict().items())


def test_a_checkpoint_of_another_shape_names_what_differs(network: StableSyncNet, tmp_path: Path) -> None:
    weights = network.state_dict()
    del weights["audio_encoder.norm_out.bias"]
    weights["visual_encoder.down_blocks.2.attn.to_q.weight"] = torch.zeros(16, 8)
    save_file(weights, tmp_path / "syncnet.safetensors")

    with pytest.raises(CheckpointMismatch) as mismatch:
        load_stable_syncnet(SMALL, tmp_path / "syncnet.safetensors")

    assert mismatch.value.fields["missing"] == ["audio_encoder.norm_out.bias"]
    assert mismatch.value.fields["misshaped"] == [
        "visual_encoder.down_blocks.2.attn.to_q.weight is 16×8 but should be 16×16"
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"depth": 3}, "depth"),
        ({"num_frames": 5}, "3 for each of 5 frames"),
        ({"resolution": 64}, "the embeddings differ"),
        ({"visual_encoder": VISUAL | {"attn_blocks": [0, 1]}}, "attn_blocks has 2 entries"),
        ({"visual_encoder": VISUAL | {"downsample_factors": [2, 2, 0]}}, "downsample_factors"),
        ({"visual_encoder": VISUAL | {"norm_num_groups": 32}}, "cannot be divided by norm_num_groups = 32"),
        ({"visual_encoder": VISUAL | {"heads": 3}}, "16 channels cannot be divided among 3 heads"),
        ({"audio_encoder": AUDIO | {"in_channels": 2}}, "audio_encoder takes 2 channels"),
    ],
)
def test_an_impossible_shape_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidParameter, match=complaint):
        StableSyncNetConfig.from_dict(VALUES | change)
