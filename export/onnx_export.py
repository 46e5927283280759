"""Exports a network to ONNX and proves the file against torch.

Small and full-size networks take the same path: the graph is traced without its weights, then the weights are
streamed into the file, so that no second copy of a 5-GB network is ever in memory.
"""

import io
import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from export.metadata import GraphMetadata, Precision, attach
from export.networks import Network
from export.onnx_simplify import merge_duplicates
from export.onnx_weights import save_with_weights
from services.common.errors import ModelError

OPSET = 18
MODEL_FILE = "model.onnx"

MAX_ERROR: Mapping[Precision, float] = {"fp32": 1e-4, "fp16": 5e-2}
"""Largest accepted |ONNX Runtime − torch|, as a part of the output's largest magnitude where that exceeds 1."""


@dataclass(frozen=True)
class Exported:
    """One written graph."""

    name: str
    path: Path
    bytes: int
    """Size of the graph and its weights on disk."""
    max_abs_error: float
    """Largest |ONNX Runtime − torch| over all outputs on inputs of other shapes than it was traced with."""


def export_network(network: Network, metadata: GraphMetadata, repository: Path, store_half: bool = False) -> Exported:
    """Writes `repository`/<name>/<variant>/model.onnx, with model.onnx.data beside it if the weights exceed 2 GB.

    `store_half` keeps the weights in half the space and widens them when the graph is loaded; it suits networks whose
    weights are half-precision numbers to begin with. What was there before is replaced only once the new file passed
    ONNX's checker and agreed with torch in ONNX Runtime. Raises ModelError if it does not.
    """
    folder = repository / network.name / metadata.variant
    partial = folder.with_name(f".{metadata.variant}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        write_graph(network, metadata, partial / MODEL_FILE, store_half)
        onnx.checker.check_model(partial / MODEL_FILE)
        max_abs_error = _prove(network, metadata.precision, partial / MODEL_FILE)
        folder.mkdir(exist_ok=True)
        for stale in folder.glob(f"{MODEL_FILE}*"):
            stale.unlink()
        for file in sorted(partial.iterdir(), reverse=True):  # the weights before the graph that names them
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(partial)
    size = sum(file.stat().st_size for file in folder.glob(f"{MODEL_FILE}*"))
    return Exported(network.name, folder / MODEL_FILE, size, max_abs_error)


def write_graph(network: Network, metadata: GraphMetadata, path: Path, store_half: bool = False) -> None:
    """Traces `network` and writes it with its weights and `metadata` to `path`; nothing is checked."""
    model = _trace(network)
    merge_duplicates(model.graph)
    attach(model, metadata)
    save_with_weights(model, network.module.state_dict(), path, store_half)


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """The graph at `path` in ONNX Runtime on the CPU."""
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def _trace(network: Network) -> onnx.ModelProto:
    """The graph without its weights, which are left as graph inputs under their state-dict names."""
    axes = {name: dict(varying) for name, varying in {**network.input_axes, **network.output_axes}.items()}
    buffer = io.BytesIO()
    network.module.eval()
    with torch.no_grad(), warnings.catch_warnings():
        # The tracing exporter is the one that streams; its successor holds the weights several times over.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="Constant folding", category=UserWarning)
        # Values that tracing fixed for good would show in the proof, which runs on other shapes.
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        torch.onnx.export(
            network.module,
            tuple(network.inputs.values()),
            buffer,  # type: ignore[arg-type]  # only the tracing exporter takes a stream
            dynamo=False,
            export_params=False,
            do_constant_folding=False,
            opset_version=OPSET,
            input_names=list(network.inputs),
            output_names=list(network.output_axes),
            dynamic_axes=axes,
        )
    model = onnx.load_from_string(buffer.getvalue())
    _declare_unused_inputs(model.graph, network)
    return model


def _declare_unused_inputs(graph: onnx.GraphProto, network: Network) -> None:
    """Tracing drops inputs nothing reads, such as the audio of a cached step without audio attention; callers do not
    know that and give all of them."""
    declared = {value.name for value in graph.input}
    for name, example in network.inputs.items():
        if name not in declared:
            axes = network.input_axes[name]
            shape = [axes.get(axis, length) for axis, length in enumerate(example.shape)]
            kind = onnx.TensorProto.INT64 if example.dtype == torch.int64 else onnx.TensorProto.FLOAT
            graph.input.append(onnx.helper.make_tensor_value_info(name, kind, shape))


def _prove(network: Network, precision: Precision, path: Path) -> float:
    with torch.no_grad():
        outputs = network.module(*network.other_inputs.values())
    expected: tuple[Tensor, ...] = outputs if isinstance(outputs, tuple) else (outputs,)
    actual = session_of(path).run(
        list(network.output_axes), {name: tensor.numpy() for name, tensor in network.other_inputs.items()}
    )
    worst = 0.0
    for name, tensor, result in zip(network.output_axes, expected, actual, strict=True):
        reference = tensor.numpy()
        error = float(np.abs(result - reference).max()) if result.shape == reference.shape else float("inf")
        if not error <= MAX_ERROR[precision] * max(1.0, float(np.abs(reference).max())):
            raise ModelError(
                f"The exported {network.name} disagrees with torch: {name} is off by {error:.3g}.",
                model=network.name,
                output=name,
                max_abs_error=error,
            )
        worst = max(worst, error)
    return worst
