"""When a webhook that was not taken is tried again."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

PAUSES_S: Final = (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""Between one attempt and the next; after the last one a message is given up."""

JITTER: Final = 0.1
LONGEST_RETRY_AFTER_S: Final = 3600.0


def pause_s(failures: int, retry_after_s: float, chance: float) -> float | None:
    """How long to wait after so many failed attempts in a row, or None when that was the last one.

    `chance`, between 0 and 1, spreads what failed together. `retry_after_s` is what the receiver asked for.
    """
    if failures > len(PAUSES_S):
        return None
    spread = 1 + JITTER * (2 * chance - 1)
    return max(PAUSES_S[failures - 1] * spread, min(retry_after_s, LONGEST_RETRY_AFTER_S))


def retry_after_s(header: str, now: datetime) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3); 0 when it says nothing of use."""
    if header.isascii() and header.isdecimal():
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())
