"""Perceptual distance in the features of a network the operator provides."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

Features = Callable[[Tensor], Sequence[Tensor]]
"""Images N×3×H×W in [−1, 1] → feature maps N×C×h×w, one for each layer that counts: VGG-16's, for example."""


def perceptual(features: Features, fake: Tensor, real: Tensor) -> Tensor:
    """Mean over layers of the squared distance between channel-normalised feature maps, a scalar.

    LPIPS (Zhang et al. 2018, arXiv:1801.03924, eq. 1) with equal channel weights: neither its learnt ones nor a network
    are shipped, so this loss is used only where `features` is given. No gradient reaches `real`.
    """
    with torch.no_grad():
        targets = [functional.normalize(layer, dim=1) for layer in features(real)]
    distances = [
        (functional.normalize(layer, dim=1) - target).square().sum(dim=1).mean()
        for layer, target in zip(features(fake), targets, strict=True)
    ]
    return torch.stack(distances).mean()
