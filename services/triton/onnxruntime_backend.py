"""Triton's `onnxruntime` backend as a python-based backend: it runs where NVIDIA's own is not at hand.

It loads the same model repository: `config.pbtxt` and `<version>/model.onnx`. The server runs this file by itself, in
an environment of its own, so it imports nothing of Lipstage.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort
import triton_python_backend_utils as triton

_DATA_TYPES = {"tensor(float)": "TYPE_FP32", "tensor(int64)": "TYPE_INT64"}


class TritonPythonModel:
    """One instance of one version of a network, on the CPU."""

    @staticmethod
    def auto_complete_config(auto_complete_model_config: Any) -> Any:
        """Adds the inputs and outputs that the graph declares, as NVIDIA's backend does."""
        session = _session(_graph_being_completed())
        for value in session.get_inputs():
            auto_complete_model_config.add_input(_described(value))
        for value in session.get_outputs():
            auto_complete_model_config.add_output(_described(value))
        return auto_complete_model_config

    def initialize(self, args: dict[str, str]) -> None:
        if int(np.__version__.partition(".")[0]) > 1:
            raise triton.TritonModelException(
                f"NumPy {np.__version__} is installed beside Triton, whose Python backend then reads all inputs as "
                "zeros; install numpy<2 there (rm -r .venv-triton; make up)."
            )
        config = json.loads(args["model_config"])
        version = args["model_version"]
        self._session = _session(Path(args["model_repository"], version, config["default_model_filename"]))
        self._ranks = {value.name: len(value.shape) for value in self._session.get_inputs()}

    def execute(self, requests: list[Any]) -> list[Any]:
        # One by one: on a CPU a batch saves no time, and results cannot depend on what else was asked for.
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        if request.is_cancelled():
            error = triton.TritonError("The caller has cancelled the request.", triton.TritonError.CANCELLED)
            return triton.InferenceResponse(error=error)
        inputs = {name: _input(request, name, rank) for name, rank in self._ranks.items()}
        names = list(request.requested_output_names())
        try:
            outputs = self._session.run(names, inputs)
        except Exception as error:  # ONNX Runtime raises bare classes of its own, one per status code
            return triton.InferenceResponse(error=triton.TritonError(str(error)))
        return triton.InferenceResponse([triton.Tensor(*named) for named in zip(names, outputs, strict=True)])


def _session(graph: Path) -> Any:
    """With the options of the embedded adapter, so that both give the same bytes."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _graph_being_completed() -> Path:
    """The server tells no path before `initialize`, but started this process with it as the first argument."""
    return Path(os.fsdecode(Path("/proc/self/cmdline").read_bytes().split(b"\0")[1]))


def _described(value: Any) -> dict[str, Any]:
    """A graph's input or output as the model configuration writes it: without the batch, which comes first."""
    dims = [length if isinstance(length, int) else -1 for length in value.shape[1:]]
    # Nothing may be left without the batch: the server wants [batch, 1] where the graph has [batch].
    return {"name": value.name, "data_type": _DATA_TYPES[value.type], "dims": dims or [1]}


def _input(request: Any, name: str, rank: int) -> Any:
    array = triton.get_input_tensor_by_name(request, name).as_numpy()
    return array.ravel() if rank == 1 else array
