"""A training's settings: one TOML file each, every key checked."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.common.errors import InvalidParameter

Positive = Annotated[int, Field(gt=0)]


class ConfigFile(BaseModel):
    """Settings that lie in a TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, path: Path, **replaced: object) -> Self:
        """The settings in the TOML file `path`, keys replaced where a value is given; raises InvalidParameter."""
        given = {key: value for key, value in replaced.items() if value is not None}
        try:
            return cls.model_validate({**tomllib.loads(path.read_text(encoding="utf-8")), **given})
        except (OSError, tomllib.TOMLDecodeError) as unreadable:
            raise InvalidParameter(f"The configuration {path} cannot be read: {unreadable}.") from unreadable
        except ValidationError as invalid:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
            raise InvalidParameter(f"The configuration {path} is not valid: {problems}.") from None


class LoopSettings(ConfigFile):
    """What every training has: how long, how fast, how often to save and to draw."""

    steps: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0)]
    warm_up_steps: Annotated[int, Field(ge=0)] = 100
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    adam_betas: tuple[float, float] = (0.9, 0.99)
    max_gradient_norm: Annotated[float, Field(gt=0)] = 1.0
    average_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Of the exponential moving average of the weights, which is what is saved for use; 0 keeps the last weights."""
    precision: Literal["float32", "bfloat16"] = "float32"
    checkpoint_every: Positive = 200
    sheet_every: Positive = 500
    seed: int = 0
