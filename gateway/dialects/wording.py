"""How every dialect writes times, and what it keeps of its callers' words."""

from datetime import UTC, datetime
from typing import Any


def echoed(value: Any) -> Any:
    """The caller's own words as they are kept and given back: of a data URI only its beginning."""
    if isinstance(value, dict):
        return {name: echoed(part) for name, part in value.items()}
    if isinstance(value, list):
        return [echoed(part) for part in value]
    if isinstance(value, str) and value.startswith("data:"):
        return f"{value[:100].partition(',')[0]},"
    return value


def instant(moment: datetime) -> str:
    """As JavaScript writes it, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: datetime | None, end: datetime | None) -> float:
    """0 unless both are known."""
    return (end - start).total_seconds() if start and end else 0.0
