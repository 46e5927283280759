"""Usage by period and day, and as CSV."""

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_entries import MIDNIGHT, charge, credit, entry_lists

from gateway.billing.entries import Charge, Entry
from gateway.billing.ledger import Ledger
from gateway.billing.money import dollars
from gateway.billing.usage import Period, read_usage, usage_of
from gateway.billing.usage_csv import COLUMNS, csv_lines, plain_text
from gateway.memory_documents import MemoryDocuments
from services.common.errors import InvalidParameter

# The same examples on every machine, however slow.
drawn = settings(deadline=None, derandomize=True)

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def rows(entries: list[Entry]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_lines(entries)), newline="")))


async def test_usage_is_summed_over_the_period_and_by_day() -> None:
    ledger = Ledger(MemoryDocuments())
    await ledger.charge(charge("monday", 30.0, MIDNIGHT))
    await ledger.charge(charge("monday-late", 5.5, MIDNIGHT + DAY - INSTANT))
    await ledger.charge(charge("wednesday", 60.0, MIDNIGHT + 2 * DAY))
    await ledger.refund("studio", "monday", reason="no sound", by="operator", at=MIDNIGHT + 2 * DAY)

    usage = await read_usage(ledger, "studio", Period(MIDNIGHT, MIDNIGHT + 7 * DAY))

    assert (usage.jobs, usage.seconds, usage.charged, usage.credited) == (3, 95.5, 3_000_000, 900_000)
    assert [(day.day, day.jobs, day.seconds, day.charged, day.credited) for day in usage.days] == [
        (date(2026, 11, 22), 2, 35.5, 1_200_000, 0),
        (date(2026, 11, 24), 1, 60.0, 1_800_000, 900_000),
    ]


def test_a_period_holds_its_beginning_and_not_its_end() -> None:
    entries: list[Entry] = [charge("first", at=MIDNIGHT), charge("next", at=MIDNIGHT + DAY)]

    assert usage_of(entries, "studio", Period(MIDNIGHT, MIDNIGHT + DAY)).jobs == 1


def test_days_are_those_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    entries: list[Entry] = [charge(at=datetime(2026, 11, 23, 8, tzinfo=tokyo))]

    usage = usage_of(entries, "studio", Period(MIDNIGHT, MIDNIGHT + 2 * DAY))

    assert [day.day for day in usage.days] == [date(2026, 11, 22)]


@drawn
@given(entry_lists(), st.integers(1, 9))
def test_two_periods_side_by_side_add_up_and_so_do_their_days(entries: list[Entry], days: int) -> None:
    middle, end = MIDNIGHT + days * DAY, MIDNIGHT + 11 * DAY

    whole = usage_of(entries, "studio", Period(MIDNIGHT, end))
    parts = [usage_of(entries, "studio", Period(MIDNIGHT, middle)), usage_of(entries, "studio", Period(middle, end))]

    for pieces in (parts, whole.days):
        assert sum(piece.jobs for piece in pieces) == whole.jobs
        assert sum(piece.charged for piece in pieces) == whole.charged
        assert sum(piece.credited for piece in pieces) == whole.credited
        assert sum(piece.seconds for piece in pieces) == pytest.approx(whole.seconds)
    assert parts[0].days + parts[1].days == whole.days


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (MIDNIGHT, MIDNIGHT, "end after"),
        (MIDNIGHT + DAY, MIDNIGHT, "end after"),
        (MIDNIGHT.replace(tzinfo=None), MIDNIGHT, "time zone"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(start: datetime, end: datetime, reason: str) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        Period(start, end)


def test_csv_has_a_header_and_one_record_an_entry() -> None:
    entries: list[Entry] = [
        charge(seconds=41.0, plan="flat-then-per-second"),
        credit(reason='a "gift", for\r\nnothing'),
    ]

    lines = list(csv_lines(entries))

    assert lines == [
        ",".join(COLUMNS) + "\r\n",
        "2026-11-22T00:00:00Z,charge,studio,job,,flat-then-per-second,output,41.000000,0.205,,\r\n",
        '2026-11-22T00:00:00Z,credit,studio,,welcome,,,,,5.00,"a ""gift"", for\r\nnothing"\r\n',
    ]


@drawn
@given(entry_lists())
def test_csv_sums_are_those_of_the_ledger(entries: list[Entry]) -> None:
    table = rows(entries)

    charged = sum(Decimal(row["charged_usd"] or 0) for row in table)
    assert charged * 1_000_000 == sum(entry.amount for entry in entries if isinstance(entry, Charge))
    assert [datetime.fromisoformat(row["at"]).astimezone(UTC) for row in table] == [entry.at for entry in entries]


@pytest.mark.parametrize(
    "reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n-1", "＝1", '=HYPERLINK("http://x","y")']
)
def test_no_cell_begins_like_a_formula(reason: str) -> None:
    entries: list[Entry] = [credit(reason=reason)]

    assert rows(entries)[0]["reason"] == f"'{reason}"


@drawn
@given(st.text(min_size=1).filter(lambda text: text[0] not in "=+-@＝＋－＠" and not text[0].isspace()))
def test_other_text_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text
    entries: list[Entry] = [credit(reason=text[:500])]
    assert rows(entries)[0]["reason"] == text[:500]


@drawn
@given(st.integers(-(10**15), 10**15))
def test_dollars_are_exact(amount: int) -> None:
    assert Decimal(dollars(amount)) * 1_000_000 == amount


def test_dollars_have_two_decimals_and_more_only_where_needed() -> None:
    assert [dollars(amount) for amount in (0, 150_000, 205_000, 1_800_000, -1)] == [
        "0.00", "0.15", "0.205", "1.80", "-0.000001",
    ]  # fmt: skip
