"""Identifiers that sort by the time they were made."""

import secrets
from datetime import UTC, datetime, timedelta

_RANDOM_BITS = 74


def new_id(now: datetime) -> str:
    """A UUID of version 7 (RFC 9562) as 32 hexadecimal digits: 48 bits of Unix milliseconds, then chance."""
    milliseconds = int(now.timestamp() * 1000)
    chance = secrets.randbits(_RANDOM_BITS)
    high, low = chance >> 62, chance & ((1 << 62) - 1)
    value = milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    return f"{value:032x}"


def made_at(made: str) -> datetime:
    """When an id was made, to the millisecond."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(made[:12], 16))
