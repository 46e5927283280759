"""Noise whose frames are correlated, for training on clips."""

import math

import torch
from torch import Tensor


def mixed_noise(shape: tuple[int, int, int, int, int], alpha: float, generator: torch.Generator) -> Tensor:
    """N(0, 1) noise B×C×F×h×w, float32 on the generator's device, that is partly the same in all frames of a clip.

    √(α²/(1+α²))·shared + √(1/(1+α²))·independent (Ge et al. 2023, arXiv:2305.10474, "mixed noise"): two frames have
    covariance α²/(1+α²). α = 1 mixes equal variances, 0 leaves the frames independent.
    """
    batch, channels, _, height, width = shape
    shared = torch.randn((batch, channels, 1, height, width), generator=generator, device=generator.device)
    independent = torch.randn(shape, generator=generator, device=generator.device)
    return (alpha * shared + independent) / math.hypot(1, alpha)
