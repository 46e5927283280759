"""What Replicate's callers ask of the platform, not of the model: how long they wait, and how long it may take."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header
from pydantic import BeforeValidator

from gateway.submissions import MAX_DEADLINE_S

LONGEST_WAIT_S: Final = 60.0
_SHORTEST_S: Final = 5
_WAIT = re.compile(r"\bwait\b(?:\s*=\s*(?P<seconds>[0-9]{1,9}))?")
_DURATION = re.compile(r"(?:(?P<h>[0-9]{1,9})h)?(?:(?P<m>[0-9]{1,9})m)?(?:(?P<s>[0-9]{1,9})s?)?")


@dataclass(frozen=True)
class Wishes:
    wait_s: float | None
    """How long the caller waits for the end."""
    cancel_after_s: int | None


def duration_s(text: str) -> int:
    """Of "90s", "5m", "1h30m", or "90". Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError('write a duration like "90s", "5m" or "1h30m"')
    seconds = sum(int(found[unit] or 0) * length_s for unit, length_s in (("h", 3600), ("m", 60), ("s", 1)))
    if not _SHORTEST_S <= seconds <= MAX_DEADLINE_S:
        raise ValueError(f"a prediction may be given {_SHORTEST_S} s to {MAX_DEADLINE_S // 3600} h")
    return seconds


Prefer = Annotated[str, Header()]
CancelAfter = Annotated[int | None, BeforeValidator(duration_s), Header()]


def _wishes(prefer: Prefer = "", cancel_after: CancelAfter = None) -> Wishes:
    wait = _WAIT.search(prefer)
    wait_s = min(float(wait["seconds"] or LONGEST_WAIT_S), LONGEST_WAIT_S) if wait else None
    return Wishes(wait_s, cancel_after)


WishesOf = Annotated[Wishes, Depends(_wishes)]
