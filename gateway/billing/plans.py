"""Price plans as data, and the price of a job by one of them."""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from services.common.errors import InvalidParameter

DEFAULT_PLANS: Final = Path(__file__).with_suffix(".toml")
TOLERANCE_US: Final = 1000
"""What a media clock may say beyond a unit's end before the next unit has started: 1 ms."""

Metered = Literal["voice", "output"]
Amount = Annotated[int, Field(ge=0)]
"""Micro-dollars."""
WholeSeconds = Annotated[int, Field(ge=0)]


class Plan(BaseModel):
    """`base`, and `per_unit` for every started `unit_s` of what is metered beyond `included_s`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")
    metered: Metered
    """What is metered: the new voice, or the finished video."""
    base: Amount = 0
    per_unit: Amount
    unit_s: int = Field(ge=1)
    included_s: WholeSeconds = 0
    minimum_s: WholeSeconds = 0
    """A shorter job costs as much as one of this length."""
    maximum_s: WholeSeconds | None = None
    """A longer job costs as much as one of this length."""

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> "Plan":
        if self.maximum_s is not None and self.maximum_s < max(self.minimum_s, self.included_s):
            raise ValueError("maximum_s must not be below minimum_s or included_s")
        return self


Plans = Mapping[str, Plan]


def price(plan: Plan, seconds: float) -> int:
    """Micro-dollars for a job of so many metered seconds. Raises InvalidParameter for what is no duration."""
    metered_us = max(microseconds(seconds), plan.minimum_s * 1_000_000)
    if plan.maximum_s is not None:
        metered_us = min(metered_us, plan.maximum_s * 1_000_000)
    beyond_us = max(0, metered_us - plan.included_s * 1_000_000 - TOLERANCE_US)
    return plan.base + plan.per_unit * -(-beyond_us // (plan.unit_s * 1_000_000))


def microseconds(seconds: float) -> int:
    """Rounded, so that sums and prices are exact. Raises InvalidParameter for what is no duration."""
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InvalidParameter(f"{seconds} s is no duration.", seconds=seconds)
    return round(seconds * 1_000_000)


def load_plans(path: Path | None = None) -> Plans:
    """The plans of an operator's own file, or those that come with the gateway. Raises InvalidParameter."""
    file = path or DEFAULT_PLANS
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        plans = _PLANS.validate_python({name: _named(name, terms) for name, terms in tables.items()})
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InvalidParameter(
            f"{file}: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}.", path=str(file)
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidParameter(f"{file} cannot be read as price plans: {error}.", path=str(file)) from error
    if not plans:
        raise InvalidParameter(f"{file} holds no price plan.", path=str(file))
    return plans


def plan_named(plans: Plans, name: str) -> Plan:
    """Raises InvalidParameter."""
    if name not in plans:
        raise InvalidParameter(f"There is no price plan “{name}”; choose {', '.join(plans)}.", plan=name)
    return plans[name]


_PLANS: Final = TypeAdapter(dict[str, Plan])


def _named(name: str, terms: object) -> object:
    return {**terms, "name": name} if isinstance(terms, dict) else terms
