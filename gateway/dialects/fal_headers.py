"""What fal's callers ask of the platform, not of the model: headers, the same for every way to run it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Header
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from gateway.submissions import MAX_DEADLINE_S, MAX_RETENTION_S, JobRequest

_LIFECYCLE = "X-Fal-Object-Lifecycle-Preference"
StartTimeout = Annotated[
    float | None, Header(alias="X-Fal-Request-Timeout", gt=0.1, le=MAX_DEADLINE_S, allow_inf_nan=False)
]
"""Seconds. In spite of its name it ends when the work begins."""
QueuePriority = Annotated[Literal["normal", "low"], Header(alias="X-Fal-Queue-Priority")]
Lifecycle = Annotated[str | None, Header(alias=_LIFECYCLE)]


class _Lifecycle(BaseModel):
    """Who may read the objects is not theirs to say here: links are signed."""

    expiration_duration_seconds: int | None = Field(default=None, ge=0)


@dataclass(frozen=True)
class Wishes:
    start_within_s: float | None
    priority: Literal["normal", "low"]
    retention_s: int | None

    def of(self, request: JobRequest) -> JobRequest:
        return request.model_copy(
            update={
                "start_within_s": self.start_within_s,
                "priority": self.priority,
                "retention_s": self.retention_s,
            }
        )


def _wishes(
    start_timeout: StartTimeout = None, priority: QueuePriority = "normal", lifecycle: Lifecycle = None
) -> Wishes:
    return Wishes(start_timeout, priority, _retention_s(lifecycle) if lifecycle else None)


WishesOf = Annotated[Wishes, Depends(_wishes)]


def _retention_s(lifecycle: str) -> int | None:
    """Raises RequestValidationError."""
    try:
        asked_s = _Lifecycle.model_validate_json(lifecycle).expiration_duration_seconds
    except ValidationError as error:
        wrong = [{**part, "loc": ("header", _LIFECYCLE, *part["loc"])} for part in error.errors()]
        raise RequestValidationError(wrong) from error
    return None if asked_s is None else min(asked_s, MAX_RETENTION_S)
