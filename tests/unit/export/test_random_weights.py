"""Seeded weights are tame, complete and reproducible."""

import torch
from torch import nn

from export.random_weights import randomize


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(32, 64, 3), nn.GroupNorm(8, 64), nn.Linear(64, 256))


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, again, other = network(), network(), network()
    for each, seed in ((first, 1), (again, 1), (other, 2)):
        randomize(each, seed)

    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_kernels_keep_the_scale_of_their_input_and_norm_scales_stay_near_one() -> None:
    layers = network()

    randomize(layers, seed=1)

    conv, norm, linear = layers.requires_grad_(False)
    assert abs(float(conv.weight.std()) * (32 * 9) ** 0.5 - 1) < 0.05
    assert abs(float(linear.weight.std()) * 64**0.5 - 1) < 0.05
    assert abs(float(norm.weight.mean()) - 1) < 0.1
    assert 0 < float(norm.bias.abs().max()) < 0.5
