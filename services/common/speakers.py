"""Who speaks, as callers say it: by size, by place or by number."""

import re
from dataclasses import dataclass

from services.common.errors import InvalidParameter

_FORMS = 'use "largest", "point:X,Y", "box:X0,Y0,X1,Y1" (fractions of the frame, 0 to 1) or "track:N"'


@dataclass(frozen=True)
class Largest:
    """The largest face of the shot when it begins; the next largest when that one is lost."""


@dataclass(frozen=True)
class AtPoint:
    """The face at this place, as fractions of the frame's width and height."""

    x: float
    y: float


@dataclass(frozen=True)
class InBox:
    """The largest face whose centre lies in this box, as fractions of the frame's width and height."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class OnTrack:
    """The face with this track number."""

    track: int


Speaker = Largest | AtPoint | InBox | OnTrack


def parse_speaker(text: str) -> Speaker:
    """ "largest", "point:0.3,0.4", "box:0,0,0.5,1" or "track:2". Raises InvalidParameter."""
    kind, _, rest = text.strip().partition(":")
    if kind == "largest" and not rest:
        return Largest()
    if kind == "track" and re.fullmatch(r"[1-9][0-9]{0,8}", rest):
        return OnTrack(int(rest))
    if kind in ("point", "box"):
        numbers = _fractions(text, rest)
        if kind == "point" and len(numbers) == 2:
            return AtPoint(*numbers)
        if kind == "box" and len(numbers) == 4 and numbers[0] < numbers[2] and numbers[1] < numbers[3]:
            return InBox(*numbers)
    raise InvalidParameter(f"The speaker {text!r} is not understood: {_FORMS}.", parameter="speaker", value=text)


def _fractions(text: str, rest: str) -> list[float]:
    try:
        numbers = [float(part) for part in rest.split(",")]
    except ValueError:
        numbers = []
    if any(not 0 <= number <= 1 for number in numbers):
        raise InvalidParameter(
            f"The speaker {text!r} lies outside the frame: {_FORMS}.", parameter="speaker", value=text
        )
    return numbers
