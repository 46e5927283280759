"""What the client wants done to the outside, as data: flows ask for one step after another, and drivers take them.

A flow is a generator: it is sent the answer to each step, and thrown the error of one that failed. So everything that
is decided is decided once, and blocking and asynchronous programs differ by their driver only.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from lipstage.client.errors import LipstageError, error_from
from lipstage.client.media import File

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    method: Literal["GET", "POST", "DELETE"]
    address: str
    """A path of the native API, or a whole URL, which is not told the key."""
    query: Mapping[str, Any] = field(default_factory=dict)
    body: object = None
    """Sent as JSON."""
    file: File | None = None
    """Sent as the form field `file`."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes

    def error(self) -> LipstageError | None:
        """What the answer stands for unless it is a success."""
        if self.status < 400:
            return None
        try:
            problem = json.loads(self.body)
            return error_from(self.status, problem["code"], problem["detail"])
        except (ValueError, TypeError, KeyError):
            return error_from(self.status, "internal", f"The answer was {self.status}, without a reason.")


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    kind: str
    data: str


@dataclass(frozen=True)
class Send:
    """Answered with the Reply. Raises Unreachable."""

    request: Request


@dataclass(frozen=True)
class Open:
    """Answered with the Reply, whose body comes in pieces unless it is an error. Raises Unreachable."""

    request: Request
    pieces: Literal["events", "bytes"]


@dataclass(frozen=True)
class Next:
    """Answered with the next Event or bytes of what was opened last, None at its end. Raises Unreachable."""


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Tell:
    """The caller gets this before the flow goes on."""

    update: Any


@dataclass(frozen=True)
class Done(Generic[T]):
    """What a driver ends with."""

    value: T


Step = Send | Open | Next | Pause | Tell
Flow = Generator[Step, Any, T]


def advanced(flow: Flow[T], answer: Any = None, error: LipstageError | None = None) -> "Step | Done[T]":
    """The flow's next step, or its end; a new flow's first step is the answer to nothing."""
    try:
        return flow.throw(error) if error else flow.send(answer)
    except StopIteration as end:
        return Done(end.value)
