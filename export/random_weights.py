"""Seeded random weights under which a network's every parameter matters and its activations stay tame."""

import zlib

import numpy as np
import torch
from torch import nn


def randomize(network: nn.Module, seed: int) -> None:
    """Overwrites every parameter in place; buffers stay.

    Matrices and kernels are N(0, 1/fan_in), norm scales 1 + 0.2·N(0,1), biases 0.1·N(0,1). Each tensor's values depend
    on its name, its shape and `seed` only.
    """
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            generator = np.random.default_rng((seed, zlib.crc32(name.encode())))
            values = torch.from_numpy(generator.standard_normal(tuple(parameter.shape), dtype=np.float32))
            if parameter.ndim > 1:
                values /= parameter[0].numel() ** 0.5
            elif name.endswith("weight"):
                values = 1 + 0.2 * values
            else:
                values *= 0.1
            parameter.copy_(values)
