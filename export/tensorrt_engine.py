"""Compiles an ONNX graph with TensorRT, and runs a compiled engine.

Networks are strongly typed: precision is what the graph says (export it with `--precision fp16`), never a builder
flag. Written against the Python API of TensorRT 10; TensorRT 11 keeps every call used here.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from export.tensorrt_profiles import ShapeRange
from services.common.errors import ModelError

WORKSPACE_BYTES = 8 << 30


def load_tensorrt() -> ModuleType:
    """The `tensorrt` package. Raises ModelError where it or a CUDA device is missing."""
    try:
        tensorrt = importlib.import_module("tensorrt")
    except ImportError as error:
        raise ModelError(
            "TensorRT is not installed here; install lipstage[gpu] on a machine with an NVIDIA GPU."
        ) from error
    if not torch.cuda.is_available():
        raise ModelError("TensorRT found no usable CUDA device; build engines on the kind of GPU that runs them.")
    return tensorrt


def compile_engine(
    tensorrt: ModuleType, onnx_path: Path, profile: Mapping[str, ShapeRange], timing_cache: Path
) -> bytes:
    """The serialized engine of `onnx_path`; `timing_cache` is read if it exists and rewritten afterwards.

    Raises ModelError with TensorRT's own messages if the graph cannot be parsed or built.
    """
    logger = tensorrt.Logger(tensorrt.Logger.WARNING)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(onnx_path)):
        reasons = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
        raise ModelError(f"TensorRT cannot read {onnx_path}: {reasons}.", path=str(onnx_path))

    config = builder.create_builder_config()
    config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    cache = config.create_timing_cache(timing_cache.read_bytes() if timing_cache.exists() else b"")
    config.set_timing_cache(cache, ignore_mismatch=False)
    config.add_optimization_profile(_profile(builder, profile))

    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(f"TensorRT could not build an engine from {onnx_path}; its log says why.", path=str(onnx_path))
    timing_cache.write_bytes(bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


class EngineRunner:
    """One execution context of a serialized engine on the current CUDA device."""

    def __init__(self, tensorrt: ModuleType, plan: bytes) -> None:
        """Raises ModelError if this TensorRT or this device cannot load the engine."""
        self._tensorrt = tensorrt
        self._engine = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.WARNING)).deserialize_cuda_engine(plan)
        if self._engine is None:
            raise ModelError("TensorRT cannot load the engine it has just built.")
        self._context = self._engine.create_execution_context()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs the engine once. Raises ModelError for shapes outside its profile or a failed execution."""
        held = {name: torch.from_numpy(np.ascontiguousarray(value)).cuda() for name, value in inputs.items()}
        for name, tensor in held.items():
            if not self._context.set_input_shape(name, tuple(tensor.shape)):
                raise ModelError(f"The engine does not accept {name} of shape {tuple(tensor.shape)}.", input=name)
            self._context.set_tensor_address(name, tensor.data_ptr())
        # The number of guidance branches depends on an input's values, so output sizes are known only afterwards.
        allocator = _output_allocator(self._tensorrt)
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        outputs = [name for name in names if name not in held]
        for name in outputs:
            self._context.set_output_allocator(name, allocator)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        if not self._context.execute_async_v3(stream.cuda_stream):
            raise ModelError("TensorRT failed to execute the engine; its log says why.")
        stream.synchronize()
        dtypes = {name: self._tensorrt.nptype(self._engine.get_tensor_dtype(name)) for name in outputs}
        return {name: allocator.array(name, dtype) for name, dtype in dtypes.items()}


def _profile(builder: Any, profile: Mapping[str, ShapeRange]) -> Any:
    optimization_profile = builder.create_optimization_profile()
    for name, shapes in profile.items():
        optimization_profile.set_shape(name, shapes.min, shapes.opt, shapes.max)
    return optimization_profile


def _output_allocator(tensorrt: ModuleType) -> Any:
    """An IOutputAllocator over torch's CUDA memory; built here because its base class needs TensorRT installed."""

    class OutputAllocator(tensorrt.IOutputAllocator):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            tensorrt.IOutputAllocator.__init__(self)
            self._memory: dict[str, torch.Tensor] = {}
            self._shape: dict[str, tuple[int, ...]] = {}

        def reallocate_output_async(self, tensor_name: str, memory: int, size: int, alignment: int, stream: int) -> int:
            # torch aligns CUDA allocations to 512 bytes, more than TensorRT asks for.
            self._memory[tensor_name] = torch.empty(max(size, 1), dtype=torch.uint8, device="cuda")
            return self._memory[tensor_name].data_ptr()

        def notify_shape(self, tensor_name: str, shape: Any) -> None:
            self._shape[tensor_name] = tuple(shape)

        def array(self, name: str, dtype: Any) -> NDArray[Any]:
            shape = self._shape[name]
            used = int(np.prod(shape)) * np.dtype(dtype).itemsize
            data: NDArray[Any] = self._memory[name][:used].cpu().numpy()
            return np.frombuffer(data, dtype).reshape(shape)

    return OutputAllocator()
