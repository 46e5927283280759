"""Ledger entries as CSV (RFC 4180) that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final

from gateway.billing.entries import Credit, Entry
from gateway.billing.money import dollars

COLUMNS: Final = (
    "at", "kind", "account", "job", "credit", "plan", "metered", "seconds", "charged_usd", "credited_usd", "reason",
)  # fmt: skip
_STARTS_A_FORMULA: Final = frozenset("=+-@＝＋－＠\t\r\n")


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """The header, then one record an entry, each with its CRLF."""
    yield _line(COLUMNS)
    for entry in entries:
        yield _line(_cells(entry))


def plain_text(text: str) -> str:
    """`text` with an apostrophe before it if a spreadsheet might run it (OWASP, CSV injection)."""
    return f"'{text}" if _STARTS_A_FORMULA.intersection((text[:1], text.lstrip()[:1])) else text


def _cells(entry: Entry) -> tuple[str, ...]:
    at = entry.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return tuple(map(plain_text, (at, entry.kind, entry.account, *_about(entry))))


def _about(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry, Credit):
        return (entry.job or "", entry.id, "", "", "", "", dollars(entry.amount), entry.reason)
    plan, seconds = entry.plan, f"{entry.seconds:.6f}"
    return (entry.job, "", plan.name, plan.metered, seconds, dollars(entry.amount), "", "")


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
