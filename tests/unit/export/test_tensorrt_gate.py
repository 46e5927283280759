"""An engine is kept only if it computes what ONNX Runtime computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from export.engine_gate import compare_outputs, require_agreement, worst_of
from export.tensorrt_build import accept_engine, captured_cases
from services.common.errors import ModelError

Arrays = dict[str, NDArray[Any]]

CASES: dict[str, Arrays] = {
    "quiet": {"x": np.full((2, 3), 0.01, np.float32)},
    "loud": {"x": np.full((2, 3), 100.0, np.float32)},
}


def reference(inputs: Any) -> Arrays:
    return {"y": inputs["x"] * 2}


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    path = tmp_path / "unet" / "15" / "model.plan.candidate"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"engine")
    return path


def test_an_engine_that_agrees_becomes_the_plan(candidate: Path) -> None:
    (error,) = accept_engine(candidate, lambda inputs: {"y": inputs["x"] * 2.01}, reference, CASES)

    assert error.output == "y"
    assert error.max_abs_error == pytest.approx(1.0, rel=1e-3)
    assert error.max_relative_error == pytest.approx(0.005, rel=1e-3)
    assert candidate.with_name("model.plan").read_bytes() == b"engine"
    assert not candidate.exists()


def test_an_engine_that_disagrees_is_deleted_and_its_errors_named(candidate: Path) -> None:
    with pytest.raises(ModelError, match=r"unet/15 engine disagrees .* y is off by 20 \(0\.1 of its range"):
        accept_engine(candidate, lambda inputs: {"y": inputs["x"] * 2.2}, reference, CASES)

    assert list(candidate.parent.iterdir()) == []


def test_a_case_of_small_numbers_is_not_hidden_by_one_of_large_numbers(candidate: Path) -> None:
    with pytest.raises(ModelError):
        accept_engine(candidate, lambda inputs: {"y": inputs["x"] * 2 + 0.01}, reference, CASES)


def test_an_engine_that_cannot_run_is_deleted(candidate: Path) -> None:
    def fails(inputs: Any) -> Arrays:
        raise ModelError("The engine does not accept x.")

    with pytest.raises(ModelError, match="does not accept"):
        accept_engine(candidate, fails, reference, CASES)

    assert not candidate.exists()


@pytest.mark.parametrize(
    "actual",
    [{}, {"y": np.zeros((3, 2), np.float32)}, {"y": np.full((2, 3), np.nan, np.float32)}],
    ids=["missing", "mis-shaped", "not finite"],
)
def test_an_unusable_output_is_infinitely_wrong(actual: Arrays) -> None:
    (error,) = compare_outputs({"y": np.zeros((2, 3), np.float32)}, actual)

    assert error.max_abs_error == float("inf")
    assert not error.passes


def test_an_engine_compared_with_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="compared with nothing"):
        require_agreement("unet/15", worst_of([]))


def test_captured_inputs_are_grouped_by_case(tmp_path: Path) -> None:
    path = tmp_path / "captured.safetensors"
    one, two = np.ones(2, np.float32), np.zeros(3, np.int64)
    save_file({"unet/a/latents": one, "unet/a/timestep": two, "unet/b/latents": one, "vae_encoder/a/images": one}, path)

    cases = captured_cases(path, "unet")

    assert {case: sorted(inputs) for case, inputs in cases.items()} == {"a": ["latents", "timestep"], "b": ["latents"]}


def test_a_network_without_captured_inputs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "captured.safetensors"
    save_file({"unet/a/latents": np.ones(2, np.float32)}, path)

    with pytest.raises(ModelError, match="no captured inputs of vae_encoder"):
        captured_cases(path, "vae_encoder")
