"""The perceptual distance, in the features of a tiny network."""

import pytest
import torch
from torch import Tensor, nn

from export.random_weights import randomize
from training.losses.perceptual import perceptual


class TwoLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.second = nn.Conv2d(8, 16, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> list[Tensor]:
        first = self.first(images).relu()
        return [first, self.second(first).relu()]


@pytest.fixture(scope="module")
def features() -> TwoLayers:
    network = TwoLayers()
    randomize(network, seed=1)
    return network.requires_grad_(False)


def test_descending_it_brings_an_image_closer_in_both_layers(features: TwoLayers) -> None:
    fake, real = torch.randn(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    fake.requires_grad_()

    before = perceptual(features, fake, real)
    before.backward()  # type: ignore[no-untyped-call]

    assert fake.grad is not None
    after = fake.detach() - 0.05 * fake.grad / fake.grad.abs().max()
    assert perceptual(features, after, real) < before
    assert perceptual(features, real, real) == 0


def test_orthogonal_features_are_two_apart_whatever_their_size() -> None:
    def one_hot(images: Tensor) -> list[Tensor]:
        return [images[:, :2], images[:, :2]]

    fake, real = torch.zeros(2, 1, 3, 4, 4)
    fake[:, 0], real[:, 1] = 5, 0.1

    assert perceptual(one_hot, fake, real).item() == pytest.approx(2)
