"""What an account used: by period and by day, from its ledger entries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pydantic import BaseModel, ConfigDict

from gateway.billing.entries import Entry
from gateway.billing.ledger import Balance, Ledger, reconstruct
from services.common.errors import InvalidParameter


@dataclass(frozen=True)
class Period:
    """From `start` up to, and without, `end`. Raises InvalidParameter."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InvalidParameter("A period needs times with a time zone.")
        if self.start >= self.end:
            raise InvalidParameter("A period must end after it begins.")

    def holds(self, at: datetime) -> bool:
        return self.start <= at < self.end


class Used(BaseModel):
    """Amounts in micro-dollars."""

    model_config = ConfigDict(frozen=True)

    jobs: int
    """Completed jobs, all that are ever charged."""
    seconds: float
    """Metered seconds, each job's by its plan."""
    charged: int
    credited: int


class DayUsed(Used):
    day: date
    """In UTC."""


class Usage(Used):
    account: str
    start: datetime
    end: datetime
    days: list[DayUsed]
    """Days without any entry are left out."""


def usage_of(entries: Iterable[Entry], account: str, period: Period) -> Usage:
    within = within_period(entries, account, period)
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in within:
        by_day[entry.at.astimezone(UTC).date()].append(entry)
    days = [DayUsed(day=day, **_used(by_day[day], account).model_dump()) for day in sorted(by_day)]
    total = _used(within, account).model_dump()
    return Usage(account=account, start=period.start, end=period.end, days=days, **total)


def within_period(entries: Iterable[Entry], account: str, period: Period) -> list[Entry]:
    return [entry for entry in entries if entry.account == account and period.holds(entry.at)]


async def read_usage(ledger: Ledger, account: str, period: Period) -> Usage:
    return usage_of(await ledger.entries(account), account, period)


def _used(entries: list[Entry], account: str) -> Used:
    balance = reconstruct(entries).get(account, Balance())
    return Used(
        jobs=balance.jobs,
        seconds=balance.microseconds / 1_000_000,
        charged=balance.charged,
        credited=balance.credited,
    )
