"""The numeric gate: a compiled engine serves only if it agrees with ONNX Runtime on captured inputs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.common.errors import ModelError

Arrays = Mapping[str, NDArray[np.generic]]

MAX_RELATIVE_ERROR = 2e-2
"""Largest accepted |engine − reference| over the largest |reference| of the same output; both compute in half."""

_SMALLEST_SCALE = 1e-30


@dataclass(frozen=True)
class OutputError:
    """How far one output of an engine is from the reference, over all captured cases."""

    output: str
    max_abs_error: float
    max_relative_error: float
    """Largest absolute error of a case over that case's largest reference magnitude."""

    @property
    def passes(self) -> bool:
        return self.max_relative_error <= MAX_RELATIVE_ERROR


def compare_outputs(expected: Arrays, actual: Arrays) -> list[OutputError]:
    """One case's outputs by name; a missing, mis-shaped or non-finite output counts as an infinite error."""
    return [_output_error(name, expected[name], actual.get(name)) for name in sorted(expected)]


def worst_of(cases: list[list[OutputError]]) -> list[OutputError]:
    """The largest errors of each output over all cases."""
    worst: dict[str, OutputError] = {}
    for error in (error for case in cases for error in case):
        seen = worst.get(error.output, error)
        worst[error.output] = OutputError(
            error.output,
            max(seen.max_abs_error, error.max_abs_error),
            max(seen.max_relative_error, error.max_relative_error),
        )
    return list(worst.values())


def require_agreement(engine: str, errors: list[OutputError]) -> None:
    """Raises ModelError, naming the worst output, if any output fails or nothing was compared."""
    if not errors:
        raise ModelError(f"The {engine} engine was compared with nothing, so it is not accepted.", engine=engine)
    worst = max(errors, key=lambda error: error.max_relative_error)
    if not worst.passes:
        raise ModelError(
            f"The {engine} engine disagrees with ONNX Runtime and was deleted: {worst.output} is off by "
            f"{worst.max_abs_error:.3g} ({worst.max_relative_error:.3g} of its range, "
            f"{MAX_RELATIVE_ERROR:g} allowed).",
            engine=engine,
            output=worst.output,
            max_abs_error=worst.max_abs_error,
            max_relative_error=worst.max_relative_error,
        )


def _output_error(name: str, expected: NDArray[np.generic], actual: NDArray[np.generic] | None) -> OutputError:
    if actual is None or actual.shape != expected.shape or not np.isfinite(actual).all():
        return OutputError(name, float("inf"), float("inf"))
    reference = expected.astype(np.float64)
    max_abs_error = float(np.abs(actual.astype(np.float64) - reference).max())
    scale = float(np.abs(reference).max())
    return OutputError(name, max_abs_error, max_abs_error / max(scale, _SMALLEST_SCALE))
