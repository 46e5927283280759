"""Builds `model.plan` beside `model.onnx`, and keeps it only if it agrees with ONNX Runtime on captured inputs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import load_file

from export.engine_gate import OutputError, compare_outputs, require_agreement, worst_of
from export.tensorrt_engine import EngineRunner, compile_engine, load_tensorrt
from export.tensorrt_profiles import shape_profile
from export.variants import Variant
from services.common.errors import ModelError, ModelMissing

Arrays = Mapping[str, NDArray[Any]]
Run = Callable[[Arrays], Arrays]

TIMING_CACHE_NAME = "tensorrt.timing"


def build_engine(model: str, variant: Variant, repository: Path, captured: Path) -> list[OutputError]:
    """Compiles `model`/<variant>/model.onnx of `repository` into model.plan; its errors against ONNX Runtime.

    `captured` is a safetensors file of real inputs, named `<model>/<case>/<input>`.
    Raises ModelMissing without an exported graph; ModelError where TensorRT or a GPU is missing, the file has no case
    for this model, the build fails, or the engine disagrees (it is then deleted).
    """
    onnx_path = repository / model / variant.name / "model.onnx"
    if not onnx_path.exists():
        raise ModelMissing(f"There is no {onnx_path}; export the ONNX graph first.", path=str(onnx_path))
    tensorrt = load_tensorrt()
    cases = captured_cases(captured, model)
    plan = compile_engine(tensorrt, onnx_path, shape_profile(model, variant), repository / TIMING_CACHE_NAME)
    candidate = onnx_path.with_name("model.plan.candidate")
    candidate.write_bytes(plan)
    return accept_engine(candidate, EngineRunner(tensorrt, plan).run, _onnx_runtime(onnx_path), cases)


def captured_cases(captured: Path, model: str) -> dict[str, dict[str, NDArray[Any]]]:
    """Case name → input name → array, for `model`. Raises ModelError if the file holds no case of it."""
    if not captured.exists():
        raise ModelError(f"There is no file of captured inputs at {captured}.", path=str(captured))
    cases: dict[str, dict[str, NDArray[Any]]] = {}
    for key, array in load_file(captured).items():
        of_model, _, rest = key.partition("/")
        case, _, name = rest.partition("/")
        if of_model == model:
            cases.setdefault(case, {})[name] = array
    if not cases:
        raise ModelError(f"{captured.name} holds no captured inputs of {model}.", path=str(captured), model=model)
    return cases


def accept_engine(
    candidate: Path, run_engine: Run, run_reference: Run, cases: Mapping[str, Arrays]
) -> list[OutputError]:
    """Renames the engine file `candidate` to model.plan if it passes the gate; each output's errors over all cases.

    Raises ModelError, after deleting the file, if it disagrees; deletes it too if running it fails.
    """
    try:
        errors = worst_of([compare_outputs(run_reference(case), run_engine(case)) for case in cases.values()])
        require_agreement(f"{candidate.parent.parent.name}/{candidate.parent.name}", errors)
    except BaseException:
        candidate.unlink()
        raise
    candidate.replace(candidate.with_name("model.plan"))
    return errors


def _onnx_runtime(onnx_path: Path) -> Run:
    session = onnxruntime.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        return dict(zip(names, map(np.asarray, session.run(names, dict(inputs))), strict=True))

    return run
