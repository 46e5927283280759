"""JSON as JavaScript writes it: sync.so's documented check signs `JSON.stringify` of the parsed body, not its bytes.

A body that comes out of parsing and writing as it went in passes that check as well as one over the bytes. Integers
from 2**53 on are kept exact all the same.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_INDEX = re.compile(r"0|[1-9]\d{0,9}")
_INDICES = 2**32 - 1
_PLAIN = (1e-6, 1e21)
"""Numbers in between are written without an exponent (ECMA-262, Number::toString)."""


def json_text(value: Json) -> str:
    """Raises ValueError for NaN and the infinities."""
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, str | int):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json_text(key)}:{json_text(value[key])}" for key in _ordered(value)) + "}"
    return "[" + ",".join(json_text(item) for item in value) + "]"


def _ordered(keys: Iterable[str]) -> list[str]:
    """JavaScript puts the keys that are array indices first."""
    names = list(keys)
    indices = [name for name in names if _INDEX.fullmatch(name) and int(name) < _INDICES]
    return sorted(indices, key=int) + [name for name in names if name not in indices]


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as JSON.")
    if value == 0:
        return "0"
    smallest, too_large = _PLAIN
    if smallest <= abs(value) < too_large:
        return format(Decimal(repr(value)).normalize(), "f")
    return re.sub(r"e-0", "e-", repr(value))
