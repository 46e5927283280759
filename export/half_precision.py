"""Half precision spelled out in the network, so that the exported graph says it and no engine has to be told."""

from typing import Any

import torch
from torch import Tensor, nn


def compute_in_half(network: nn.Module) -> None:
    """Converts weights and arithmetic to float16 in place; call it once.

    Normalisations keep float32 weights and arithmetic: their sums of squares overflow half precision.
    """
    network.half()
    for module in network.modules():
        if isinstance(module, nn.GroupNorm | nn.LayerNorm):
            module.float()
            module.register_forward_pre_hook(_widen_input)
            module.register_forward_hook(_narrow_output)


class Float32Boundary(nn.Module):
    """A network that computes in half precision, with float32 tensors going in and coming out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Any:
        outputs = self.network(*(x.half() if x.is_floating_point() else x for x in inputs))
        if isinstance(outputs, tuple):
            return tuple(output.float() for output in outputs)
        return outputs.float()


def _widen_input(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (inputs[0].float(), *inputs[1:])


def _narrow_output(_module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    return output.to(torch.float16)
