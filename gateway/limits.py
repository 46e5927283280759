"""How much one account may ask: requests and jobs a minute, seconds of new voice a day."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from gateway.accounts import Account
from gateway.clock import Clock
from gateway.documents import Collection, Documents
from services.common.errors import QuotaExceeded, TooManyRequests

_MINUTE_S, _ROUNDING_S = 60.0, 1e-6
MOST_JOBS = 15_000
"""Jobs that an account with a daily quota may have in a day: they are one document, and NATS takes at most 1 MiB."""


class Rates:
    """What an account may do in a minute it may do at once; then it comes back evenly.

    Each gateway process counts for itself: behind a balancer, several allow as many times as much.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._free_at_s: dict[tuple[str, str], float] = {}

    def count_request(self, account: Account) -> None:
        """Raises TooManyRequests, with `retry_after_s` in whole seconds."""
        self._count(account.id, "requests", account.limits.requests_per_minute)

    def count_create(self, account: Account) -> None:
        """Raises TooManyRequests, with `retry_after_s` in whole seconds."""
        self._count(account.id, "jobs", account.limits.creates_per_minute)

    def _count(self, account: str, what: str, per_minute: int) -> None:
        # The bucket as the time at which it will be full again (the generic cell rate algorithm, ATM Forum TM 4.0).
        now_s = self._clock_s()
        free_at_s = max(now_s, self._free_at_s.get((account, what), now_s)) + _MINUTE_S / per_minute
        wait_s = free_at_s - now_s - _MINUTE_S
        if wait_s > _ROUNDING_S:
            retry_after_s = math.ceil(wait_s)
            raise TooManyRequests(
                f"This account may make {per_minute} {what} a minute; try again in {retry_after_s} s.",
                retry_after_s=retry_after_s,
                limit=per_minute,
            )
        self._free_at_s[account, what] = free_at_s


class Day(BaseModel):
    """Stored as `days/<account>/<date in UTC>`: what counts against the account's quota of the day."""

    model_config = ConfigDict(frozen=True)

    counted_s: dict[str, float] = {}
    """Seconds of new voice by job; 0 for a job that got them back."""

    @property
    def used_s(self) -> float:
        return math.fsum(self.counted_s.values())


class Quotas:
    """A job counts for the day on which it was created, once, however often it is counted or given back."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._days = Collection(documents, "days", Day)
        self._clock = clock

    async def count(self, account: Account, job: str, created_at: datetime, seconds: float) -> None:
        """Raises QuotaExceeded; the job is not counted then. What was given back is not counted again."""
        limit_s = account.limits.seconds_per_day
        if limit_s is None:
            return
        key = _key(account.id, created_at)

        def counted(day: Day) -> Day:
            if job in day.counted_s:
                return day
            if day.used_s + seconds > limit_s or len(day.counted_s) == MOST_JOBS:
                raise self._exceeded(limit_s, day, seconds)
            return Day(counted_s={**day.counted_s, job: seconds})

        await self._days.create_once(key, Day())
        await self._days.change(key, counted)

    async def give_back(self, account: str, job: str, created_at: datetime) -> None:
        """What a job that failed or was canceled had counted, and what somebody may yet count for it."""

        def given_back(day: Day) -> Day:
            if job not in day.counted_s and len(day.counted_s) == MOST_JOBS:
                return day
            return Day(counted_s={**day.counted_s, job: 0.0})

        if await self._days.find(key := _key(account, created_at)) is not None:
            await self._days.change(key, given_back)

    async def used_s(self, account: str, day: datetime) -> float:
        """Seconds of new voice on that day in UTC; 0 for an account without a quota."""
        found = await self._days.find(_key(account, day))
        return found.used_s if found else 0.0

    def _exceeded(self, limit_s: int, day: Day, seconds: float) -> QuotaExceeded:
        now = self._clock()
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return QuotaExceeded(
            f"This account has {limit_s} s of new voice a day: {day.used_s:.0f} s are used, this is {seconds:.0f} s.",
            limit_s=limit_s,
            used_s=day.used_s,
            retry_after_s=math.ceil((midnight - now).total_seconds()),
        )


def _key(account: str, moment: datetime) -> str:
    return f"{account}/{moment.astimezone(UTC).date()}"
