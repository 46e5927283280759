"""An error, before a dialect has put it into its own words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.problem import headers_of, problem_of
from services.common.errors import InputError, LipstageError

_LONGEST_INPUT = 200


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one field of a request, in pydantic's words."""

    type: str
    loc: tuple[str | int, ...]
    msg: str
    input: str | int | float | bool | None = None
    """Left out where it is long or has parts."""
    ctx: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    """Stable: docs/errors.md."""
    detail: str
    """One clear sentence."""
    headers: Mapping[str, str] = field(default_factory=dict)
    wrong: tuple[Wrong, ...] = ()
    retryable: bool = False
    """Whether the same request may do better later."""


def refusal_of(error: LipstageError) -> Refusal:
    problem = problem_of(error)
    return Refusal(
        problem.status, problem.code, problem.detail, headers_of(error), retryable=not isinstance(error, InputError)
    )


def wrong_part(part: Mapping[str, Any]) -> Wrong:
    context = part.get("ctx") or {}
    return Wrong(
        type=part["type"],
        loc=tuple(part["loc"]),
        msg=part["msg"],
        input=_shown(part.get("input")),
        ctx={name: value for name, value in context.items() if isinstance(value, str | int | float)},
    )


def _shown(told: object) -> str | int | float | bool | None:
    """Only what is short, and what JSON in UTF-8 can hold: callers send half characters and NaN as well."""
    if isinstance(told, str):
        return told if len(told) <= _LONGEST_INPUT and told.isprintable() else None
    if isinstance(told, float):
        return told if math.isfinite(told) else None
    return told if isinstance(told, int) else None
