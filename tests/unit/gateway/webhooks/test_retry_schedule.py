"""When a webhook that was not taken is tried again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.webhooks.schedule import PAUSES_S, pause_s, retry_after_s

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_pauses_grow_until_the_message_is_given_up() -> None:
    pauses = [pause_s(failures, 0, 0.5) for failures in range(1, len(PAUSES_S) + 2)]

    assert pauses == [5, 30, 120, 600, 3600, 10800, 21600, 43200, None]


def test_chance_spreads_a_pause_by_a_tenth() -> None:
    assert [pause_s(4, 0, chance) for chance in (0.0, 1.0)] == [pytest.approx(540), pytest.approx(660)]


def test_a_receiver_may_ask_for_a_longer_pause_up_to_an_hour_but_not_for_a_shorter_one() -> None:
    assert [pause_s(1, asked_s, 0.5) for asked_s in (1, 90, 7200)] == [5, 90, 3600]
    assert pause_s(6, 7200, 0.5) == 10800


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("Mon, 04 May 2026 12:00:30 GMT", 30),
        ("Mon, 04 May 2026 12:00:30 -0000", 30),
        ("Mon, 04 May 2026 11:00:00 GMT", 0),
        ("", 0),
        ("-5", 0),
        ("soon", 0),
        ("١٢", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after_s(header, NOW) == seconds


@settings(max_examples=50)
@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,9} \d+:\d+:\d+ [-+]?\w*", fullmatch=True))
def test_no_header_breaks_the_schedule(header: str) -> None:
    assert 5 <= (pause_s(1, retry_after_s(header, NOW), 0.5) or 0) <= 3600
