"""How often and how long the client waits, without a network and without time."""

import io
from typing import Any

import pytest

from lipstage.client.errors import InvalidRequest, LipstageError, ServerError, TooManyRequests, Unreachable
from lipstage.client.media import File, address_or_file
from lipstage.client.retrying import LONGEST_PAUSE_S, answered
from lipstage.client.steps import Done, Pause, Reply, Request, Send, advanced

GET = Request("GET", "/jobs/1")
AWAY = Reply(503, {}, b'{"code": "unavailable", "detail": "Away."}')


def taken(request: Request, *replies: Reply | LipstageError, retries: int = 3) -> tuple[Any, list[float]]:
    """What it ends with, and its pauses, when the replies come one after another."""
    flow, pending, pauses = answered(request, retries), iter(replies), []
    step = advanced(flow)
    while not isinstance(step, Done):
        if isinstance(step, Pause):
            pauses.append(step.seconds)
            step = advanced(flow)
            continue
        assert step == Send(request)
        reply = next(pending)
        step = advanced(flow, error=reply) if isinstance(reply, LipstageError) else advanced(flow, reply)
    return step.value, pauses


def test_pauses_grow_up_to_a_limit() -> None:
    fine = Reply(200, {}, b"")

    reply, pauses = taken(GET, *[AWAY] * 8, fine, retries=8)

    assert reply is fine
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(pauses[:4]))
    assert all(LONGEST_PAUSE_S / 2 <= pause <= LONGEST_PAUSE_S for pause in pauses[5:])


@pytest.mark.parametrize("last", [AWAY, Unreachable("unavailable", "Away.")])
def test_after_all_tries_the_last_error_is_raised(last: Reply | LipstageError) -> None:
    with pytest.raises((ServerError, Unreachable), match="Away"):
        taken(GET, *[last] * 4)


def test_the_gateways_wish_is_waited_for() -> None:
    refused = Reply(429, {"retry-after": "7"}, b"{}")

    _, pauses = taken(GET, refused, Reply(200, {}, b""))

    assert pauses == [7]


def test_a_wish_that_is_too_long_is_not_waited_for() -> None:
    with pytest.raises(TooManyRequests):
        taken(GET, Reply(429, {"retry-after": "3600"}, b"{}"))


def test_what_cannot_pass_is_not_tried_again() -> None:
    with pytest.raises(InvalidRequest):
        taken(GET, Reply(422, {}, b"{}"))


def test_what_cannot_be_read_twice_is_sent_once() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    file = address_or_file(Pipe(b"sound"))
    assert isinstance(file, File)

    with pytest.raises(ServerError):
        taken(Request("POST", "/uploads", file=file), AWAY)


def test_a_path_that_leads_nowhere_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidRequest, match=r"nowhere\.mp4") as caught:
        address_or_file("nowhere.mp4")

    assert caught.value.code == "media_not_found"
