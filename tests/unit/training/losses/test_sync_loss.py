"""The sync losses."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from export.random_weights import randomize
from training.losses.sync import all_cosines, all_pairs_bce, contrast, cosine_bce, lower_half, sync_loss
from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import StableSyncNetConfig, TowerConfig

SMALL = StableSyncNetConfig(
    visual_encoder=TowerConfig(
        in_channels=12,
        block_out_channels=(8, 16, 16),
        downsample_factors=((1, 2), 2, 4),
        attn_blocks=(0, 0, 1),
        norm_num_groups=4,
        heads=2,
    ),
    audio_encoder=TowerConfig(
        in_channels=1,
        block_out_channels=(8, 16, 64),
        downsample_factors=((4, 2), 2, (4, 2)),
        attn_blocks=(0, 0, 0),
        norm_num_groups=4,
    ),
    resolution=32,
    num_frames=4,
    mel_bands=16,
    mel_columns=12,
)


@pytest.fixture(scope="module")
def syncnet() -> StableSyncNet:
    network = StableSyncNet(SMALL)
    randomize(network, seed=1)
    return network.eval().requires_grad_(False)


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def cosine(network: StableSyncNet, faces: Tensor, mel: Tensor) -> Tensor:
    visual, audio = network(lower_half(faces, SMALL.resolution), mel)
    cosines: Tensor = torch.linalg.vecdot(visual, audio)
    return cosines


@pytest.mark.parametrize("size", [32, 64])
def test_its_gradient_raises_the_cosine_of_every_clip_and_touches_only_lower_halves(
    syncnet: StableSyncNet, size: int
) -> None:
    faces = noise(3, 3, 4, size, size).requires_grad_()
    mel = noise(3, 1, 16, 12, seed=2)

    sync_loss(syncnet, faces, mel).backward()  # type: ignore[no-untyped-call]

    assert faces.grad is not None
    assert torch.count_nonzero(faces.grad[:, :, :, : size // 2]) == 0
    moved = faces.detach() - 0.1 * faces.grad / faces.grad.abs().max()
    assert (cosine(syncnet, moved, mel) > cosine(syncnet, faces.detach(), mel)).all()


def test_channels_are_frame_major_and_rows_the_lower_half() -> None:
    faces = noise(2, 3, 4, 32, 32)

    mouths = lower_half(faces, 32)

    assert mouths.shape == (2, 12, 16, 32)
    assert torch.equal(mouths[1, 3 * 2 + 1], faces[1, 1, 2, 16:])


def test_larger_faces_are_shrunk_to_the_networks_size() -> None:
    gradient = torch.linspace(-1, 1, 64).expand(1, 3, 4, 64, 64)

    mouths = lower_half(gradient, 32)

    pairs = torch.linspace(-1, 1, 64).reshape(32, 2).mean(dim=1)
    torch.testing.assert_close(mouths[0, 0, 5, 2:-2], pairs[2:-2])


def test_labels_pull_matching_pairs_together_and_others_apart() -> None:
    cosine = torch.tensor([0.4, 0.4], requires_grad=True)

    cosine_bce(cosine, torch.tensor([1.0, 0.0])).backward()  # type: ignore[no-untyped-call]

    assert cosine.grad is not None
    assert cosine.grad[0] < 0 < cosine.grad[1]


def test_a_cosine_that_rounding_put_above_one_is_no_loss() -> None:
    assert cosine_bce(torch.tensor([1.0 + 1e-6]), torch.ones(1)).item() == 0


def test_cosines_of_all_pairs_are_not_rounded_by_autocast() -> None:
    visual, audio = torch.rand(3, 16), torch.rand(5, 16)

    with torch.autocast("cpu", torch.bfloat16):
        cosines = all_cosines(visual, audio)

    torch.testing.assert_close(cosines, visual @ audio.T)


APART = torch.tensor([[False, True, True, False], [True, False, True, True]])


@pytest.mark.parametrize("loss", [all_pairs_bce, contrast])
def test_all_pairs_move_as_they_should_and_look_alikes_stay(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    cosine = torch.full((2, 4), 0.4, requires_grad=True)

    loss(cosine, APART).backward()  # type: ignore[no-untyped-call]

    assert cosine.grad is not None
    assert (cosine.grad.diagonal() < 0).all()
    assert (cosine.grad[APART] > 0).all()
    assert cosine.grad[0, 3] == 0


def test_in_sync_and_apart_count_alike_however_many_they_are() -> None:
    cosine = torch.full((2, 4), 0.4)

    loss = all_pairs_bce(cosine, APART)

    assert loss.item() == pytest.approx(-(math.log(0.4) + math.log(0.6)) / 2)


def test_contrast_is_least_where_the_right_sound_is_the_nearest() -> None:
    right = torch.tensor([[0.9, 0.1, 0.1, 0.9], [0.1, 0.9, 0.1, 0.1]])

    assert contrast(right, APART).item() < 0.01
    assert contrast(right.roll(1, dims=0), APART).item() > 5
