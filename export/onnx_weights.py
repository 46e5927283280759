"""Puts a network's weights into its traced graph, one tensor at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto
from torch import Tensor

EXTERNAL_DATA_BYTES = 2_000_000_000
"""From this size on the weights go to a file of their own: a protobuf message ends at 2 GiB."""

_ALIGNMENT_BYTES = 4096
"""Page size, so that a runtime can map the tensors instead of reading them."""

_DATA_TYPES = {torch.float32: TensorProto.FLOAT, torch.float16: TensorProto.FLOAT16}


@dataclass(frozen=True)
class _Weight:
    """One initializer, made from a parameter when its turn comes."""

    name: str
    parameter: Tensor
    transposed: bool

    @property
    def data_type(self) -> int:
        return _DATA_TYPES[self.parameter.dtype]

    def data(self) -> bytes:
        tensor = self.parameter.detach()
        return (tensor.t() if self.transposed else tensor).contiguous().numpy().tobytes()

    def header(self) -> TensorProto:
        shape = list(self.parameter.shape)
        return TensorProto(name=self.name, data_type=self.data_type, dims=shape[::-1] if self.transposed else shape)


def save_with_weights(
    model: onnx.ModelProto, parameters: Mapping[str, Tensor], path: Path, store_half: bool = False
) -> None:
    """Turns the graph inputs named in `parameters` into initializers and writes the model to `path`.

    Matrices that the graph only transposes are stored transposed. With `store_half` float32 weights are stored as
    float16 and cast by the graph, which runtimes do once, while loading. Weights too large for one file are written to
    `<path>.data` one by one, so that no second copy of them is held in memory.
    """
    weights = list(_take_weights(model.graph, parameters))
    if store_half:
        weights = [_halved(model.graph, weight) for weight in weights]
    total_bytes = sum(weight.parameter.nbytes for weight in weights)
    if total_bytes < EXTERNAL_DATA_BYTES:
        for weight in weights:
            header = weight.header()
            header.raw_data = weight.data()
            model.graph.initializer.append(header)
    else:
        _write_external(model.graph, weights, path.with_name(path.name + ".data"))
    onnx.save(model, path)


def _take_weights(graph: onnx.GraphProto, parameters: Mapping[str, Tensor]) -> Iterator[_Weight]:
    """Removes the parameters from the graph's inputs, and the transpositions of them from its nodes.

    Parameters that happen to be equal, such as zeroed ones, the exporter makes copies of one; here each is itself.
    """
    _keep(graph.input, lambda value: value.name not in parameters)
    _keep(graph.node, lambda node: not (node.op_type == "Identity" and node.output[0] in parameters))
    transposed = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Transpose" and node.input[0] in parameters and parameters[node.input[0]].ndim == 2
    }
    _keep(graph.node, lambda node: node.output[0] not in transposed)
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name in transposed:
                node.input[index] = _transposed_name(transposed[name])
    used = {name for node in graph.node for name in node.input}
    for parameter, tensor in parameters.items():
        for name, is_transposed in ((parameter, False), (_transposed_name(parameter), True)):
            if name in used:
                yield _Weight(name, tensor, is_transposed)


def _keep(messages: Any, wanted: Callable[[Any], bool]) -> None:
    """Drops what is not wanted from a repeated protobuf field, whose own removal compares whole messages."""
    kept = [message for message in messages if wanted(message)]
    del messages[:]
    messages.extend(kept)


def _halved(graph: onnx.GraphProto, weight: _Weight) -> _Weight:
    """The weight as float16 under a new name, with a cast to its old name at the start of the graph."""
    stored = replace(weight, name=f"{weight.name}.half", parameter=weight.parameter.half())
    graph.node.insert(0, onnx.helper.make_node("Cast", [stored.name], [weight.name], to=weight.data_type))
    return stored


def _transposed_name(parameter: str) -> str:
    return f"{parameter}.T"


def _write_external(graph: onnx.GraphProto, weights: list[_Weight], data_path: Path) -> None:
    with data_path.open("wb") as file:
        for weight in weights:
            file.write(b"\0" * (-file.tell() % _ALIGNMENT_BYTES))
            header = weight.header()
            header.data_location = TensorProto.EXTERNAL
            offset, data = file.tell(), weight.data()
            for key, value in (("location", data_path.name), ("offset", str(offset)), ("length", str(len(data)))):
                header.external_data.add(key=key, value=value)
            file.write(data)
            graph.initializer.append(header)
