"""What an account may ask in a minute and in a day."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from port_suites.accounts import account
from port_suites.hand_clock import HandClock

from gateway.accounts import Account, Limits
from gateway.limits import MOST_JOBS, Day, Quotas, Rates
from gateway.memory_documents import MemoryDocuments
from services.common.errors import QuotaExceeded, TooManyRequests


class Seconds:
    """A monotonic clock that the test sets."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def rates(seconds: Seconds) -> Rates:
    return Rates(seconds)


def with_limits(account_id: str = "acme", **limits: int) -> Account:
    return account(account_id, limits=Limits(**limits))


def counted(count: int, rates: Rates, who: Account) -> None:
    for _ in range(count):
        rates.count_request(who)


def test_a_minutes_requests_may_come_at_once_and_no_more(rates: Rates) -> None:
    counted(60, rates, with_limits(requests_per_minute=60))

    with pytest.raises(TooManyRequests) as error:
        rates.count_request(with_limits(requests_per_minute=60))

    assert error.value.fields == {"retry_after_s": 1, "limit": 60}


def test_requests_come_back_evenly(rates: Rates, seconds: Seconds) -> None:
    counted(60, rates, with_limits(requests_per_minute=60))
    seconds.now_s += 5

    counted(5, rates, with_limits(requests_per_minute=60))

    with pytest.raises(TooManyRequests):
        rates.count_request(with_limits(requests_per_minute=60))


def test_who_waits_as_long_as_told_is_served(rates: Rates, seconds: Seconds) -> None:
    slow = with_limits(creates_per_minute=2)
    rates.count_create(slow)
    rates.count_create(slow)
    with pytest.raises(TooManyRequests) as error:
        rates.count_create(slow)
    assert error.value.fields["retry_after_s"] == 30
    seconds.now_s += 30

    rates.count_create(slow)


def test_refused_requests_cost_nothing(rates: Rates, seconds: Seconds) -> None:
    counted(60, rates, with_limits(requests_per_minute=60))
    for _ in range(100):
        with pytest.raises(TooManyRequests):
            rates.count_request(with_limits(requests_per_minute=60))
    seconds.now_s += 1

    rates.count_request(with_limits(requests_per_minute=60))


def test_accounts_and_kinds_are_counted_apart(rates: Rates) -> None:
    busy = with_limits(requests_per_minute=1, creates_per_minute=1)
    rates.count_request(busy)

    rates.count_create(busy)
    rates.count_request(with_limits("other", requests_per_minute=1))


@settings(max_examples=40)
@given(st.integers(1, 1000), st.lists(st.floats(0, 30), max_size=60))
def test_no_minute_sees_more_than_two_minutes_worth(per_minute: int, pauses_s: list[float]) -> None:
    seconds, served = Seconds(), []
    rates, who = Rates(seconds), with_limits(requests_per_minute=per_minute)
    for pause_s in pauses_s:
        seconds.now_s += pause_s
        for _ in range(per_minute + 1):
            try:
                rates.count_request(who)
            except TooManyRequests:
                break
            served.append(seconds.now_s)

    for end_s in set(served):
        assert sum(end_s - 60 < moment_s <= end_s for moment_s in served) <= 2 * per_minute


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def quotas(clock: HandClock) -> Quotas:
    return Quotas(MemoryDocuments(), clock)


HUNDRED = with_limits(seconds_per_day=100)


async def test_a_days_seconds_can_be_used_up_exactly(quotas: Quotas, clock: HandClock) -> None:
    await quotas.count(HUNDRED, "one", clock(), 60.0)
    await quotas.count(HUNDRED, "two", clock(), 40.0)

    with pytest.raises(QuotaExceeded) as error:
        await quotas.count(HUNDRED, "three", clock(), 0.1)

    assert error.value.fields == {"limit_s": 100, "used_s": 100.0, "retry_after_s": 12 * 3600}  # the clock says noon


async def test_a_refused_job_is_not_counted(quotas: Quotas, clock: HandClock) -> None:
    with pytest.raises(QuotaExceeded):
        await quotas.count(HUNDRED, "long", clock(), 100.1)

    assert await quotas.used_s("acme", clock()) == 0.0
    await quotas.count(HUNDRED, "short", clock(), 100.0)


async def test_without_a_quota_nothing_is_counted(quotas: Quotas, clock: HandClock) -> None:
    await quotas.count(with_limits(), "job", clock(), 1e9)
    await quotas.give_back("acme", "job", clock())

    assert await quotas.used_s("acme", clock()) == 0.0


async def test_the_day_is_the_one_of_the_jobs_creation_in_utc(quotas: Quotas, clock: HandClock) -> None:
    evening = clock() + timedelta(hours=11, minutes=59)
    await quotas.count(HUNDRED, "today", evening, 100.0)

    await quotas.count(HUNDRED, "tomorrow", evening + timedelta(minutes=1), 100.0)

    assert await quotas.used_s("acme", evening) == await quotas.used_s("acme", evening + timedelta(hours=1)) == 100.0


async def test_accounts_have_their_own_days(quotas: Quotas, clock: HandClock) -> None:
    await quotas.count(HUNDRED, "job", clock(), 100.0)

    await quotas.count(with_limits("other", seconds_per_day=100), "job", clock(), 100.0)


async def test_an_unsuccessful_jobs_seconds_can_be_used_again(quotas: Quotas, clock: HandClock) -> None:
    await quotas.count(HUNDRED, "failed", clock(), 100.0)
    await quotas.give_back("acme", "failed", clock())

    await quotas.count(HUNDRED, "next", clock(), 100.0)


async def test_a_job_that_ended_before_it_was_counted_is_not_counted_later(quotas: Quotas, clock: HandClock) -> None:
    await quotas.count(HUNDRED, "other", clock(), 1.0)
    await quotas.give_back("acme", "canceled", clock())

    await quotas.count(HUNDRED, "canceled", clock(), 50.0)

    assert await quotas.used_s("acme", clock()) == 1.0


async def test_jobs_counted_at_once_do_not_exceed_the_quota(quotas: Quotas, clock: HandClock) -> None:
    counting = (quotas.count(HUNDRED, f"job-{number}", clock(), 30.0) for number in range(10))

    answers = await asyncio.gather(*counting, return_exceptions=True)

    assert [type(answer) for answer in answers].count(QuotaExceeded) == 7
    assert await quotas.used_s("acme", clock()) == 90.0


async def test_a_day_has_room_for_so_many_jobs(
    quotas: Quotas, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.limits.MOST_JOBS", 2)
    for job in ("one", "two"):
        await quotas.count(HUNDRED, job, clock(), 1.0)

    with pytest.raises(QuotaExceeded):
        await quotas.count(HUNDRED, "three", clock(), 1.0)
    await quotas.give_back("acme", "one", clock())
    await quotas.give_back("acme", "three", clock())

    assert await quotas.used_s("acme", clock()) == 1.0


STEPS = st.lists(st.tuples(st.sampled_from(["count", "give back"]), st.integers(0, 4)), max_size=30)


@settings(max_examples=40)
@given(STEPS)
async def test_however_often_a_job_is_counted_and_given_back_it_counts_once(steps: list[tuple[str, int]]) -> None:
    clock = HandClock()
    quotas, given_back, used = Quotas(MemoryDocuments(), clock), set(), set()
    await quotas.count(HUNDRED, "first", clock(), 1.0)
    for step, job in steps:
        if step == "count":
            await quotas.count(HUNDRED, f"job-{job}", clock(), 2.0**job)
            used.add(job)
        else:
            await quotas.give_back("acme", f"job-{job}", clock())
            given_back.add(job)

    assert await quotas.used_s("acme", clock()) == 1.0 + sum(2.0**job for job in used - given_back)


def test_the_largest_day_fits_into_one_message() -> None:
    day = Day(counted_s={f"{number:032x}": 12.345678901234567 for number in range(MOST_JOBS)})

    assert len(day.model_dump_json()) < 2**20 - 1024
