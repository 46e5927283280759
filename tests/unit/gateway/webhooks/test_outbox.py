"""The outbox holds each event of a job once, until it is delivered or given up."""

from datetime import timedelta

import pytest
from port_suites.hand_clock import HandClock

from gateway.memory_documents import MemoryDocuments
from gateway.webhooks.json_text import Json
from gateway.webhooks.messages import Message
from gateway.webhooks.outbox import LARGEST_BODY, Outbox
from services.common.errors import InvalidParameter, ObjectMissing


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def outbox(documents: MemoryDocuments, clock: HandClock) -> Outbox:
    return Outbox(documents, clock)


async def test_what_is_added_is_due_at_once_and_rendered_for_good(outbox: Outbox) -> None:
    await added(outbox, payload={"seconds": 4.0, "name": "é"})

    (pending,) = await outbox.due()
    message = await outbox.claim(pending, 30)

    assert message
    assert (message.id, message.body) == ("job-completed", '{"seconds":4,"name":"é"}')
    assert pending.endpoint == "https://hooks.example"


async def test_an_event_of_a_job_is_told_once_whatever_is_added_later(outbox: Outbox, clock: HandClock) -> None:
    await added(outbox, payload={"first": True})
    await added(outbox, payload={"first": False})
    await delivered(outbox)

    await added(outbox, payload={"first": False})

    assert await outbox.due() == []
    assert [message.body async for message in outbox.messages()] == ['{"first":true}']


async def test_other_events_and_other_jobs_are_told_too(outbox: Outbox) -> None:
    await added(outbox)
    await outbox.add("job", "started", "acme", "replicate", "https://hooks.example", {})
    await added(outbox, job="another")

    assert [pending.message for pending in await outbox.due()] == ["another-completed", "job-completed", "job-started"]


async def test_a_body_that_is_too_large_is_given_up_unsent(outbox: Outbox, clock: HandClock) -> None:
    await added(outbox, payload="x" * (LARGEST_BODY - 2))
    await added(outbox, job="large", payload="x" * (LARGEST_BODY - 1))

    assert [pending.message for pending in await outbox.due()] == ["job-completed"]
    _, large = [message async for message in outbox.messages()]
    assert (large.given_up_at, large.last_error, large.body) == (clock(), "body_too_large", "")
    with pytest.raises(InvalidParameter, match="too large"):
        await outbox.replay(large.id)


async def test_of_two_who_claim_a_message_one_gets_it(documents: MemoryDocuments, clock: HandClock) -> None:
    one, other = Outbox(documents, clock), Outbox(documents, clock)
    await added(one)
    (seen_by_one,), (seen_by_other,) = await one.due(), await other.due()

    assert await one.claim(seen_by_one, 30)
    assert await other.claim(seen_by_other, 30) is None


async def test_who_was_refused_looks_again_when_the_lease_has_ended(
    documents: MemoryDocuments, clock: HandClock
) -> None:
    one, other = Outbox(documents, clock), Outbox(documents, clock)
    await added(one)
    (pending,) = await one.due()
    await one.claim(pending, 30)
    await other.claim(pending, 30)

    before = await other.due()
    clock.advance(30)

    assert before == []
    assert await other.due() == [pending]
    assert await other.claim(pending, 30)


async def test_who_lost_the_lease_cannot_put_the_message_off_but_can_say_that_it_arrived(
    outbox: Outbox, clock: HandClock
) -> None:
    await added(outbox)
    (pending,) = await outbox.due()
    late = await outbox.claim(pending, 30)
    clock.advance(30)
    newest = await outbox.claim(pending, 30)
    assert late
    assert newest

    await outbox.failed(late, 500, None, clock() + timedelta(hours=1))
    kept = await the_message(outbox)
    await outbox.delivered(late, 204)

    assert kept == newest
    assert (await the_message(outbox)).delivered_at == clock()


async def test_a_failed_attempt_is_due_again_when_it_should_be(outbox: Outbox, clock: HandClock) -> None:
    await added(outbox)
    await failed(outbox, clock, again_in_s=120)

    before = await outbox.due()
    clock.advance(120)

    message = await the_message(outbox)
    assert before == []
    assert len(await outbox.due()) == 1
    assert (message.attempts, message.last_status, message.last_error, message.ended) == (1, 503, None, False)


async def test_what_is_given_up_is_not_due_any_more(outbox: Outbox, clock: HandClock) -> None:
    await added(outbox)
    await failed(outbox, clock, again_in_s=None)
    clock.advance(10**7)

    assert await outbox.due() == []
    assert (await the_message(outbox)).given_up_at


async def test_a_replay_sends_the_same_again_from_the_first_attempt_on(outbox: Outbox, clock: HandClock) -> None:
    await added(outbox, payload={"n": 1})
    await failed(outbox, clock, again_in_s=None)
    before = await the_message(outbox)
    clock.advance(3600)

    await outbox.replay(before.id)

    after = await the_message(outbox)
    assert (after.id, after.body) == (before.id, before.body)
    assert (after.attempts, after.ended, after.replays) == (0, False, 1)
    assert [pending.since for pending in await outbox.due()] == [clock()]
    await delivered(outbox)
    assert (await the_message(outbox)).delivered_at == clock()


async def test_a_replay_waits_until_who_is_posting_is_done(outbox: Outbox, clock: HandClock) -> None:
    await added(outbox)
    (pending,) = await outbox.due()
    posting = await outbox.claim(pending, 30)
    assert posting

    await outbox.replay(posting.id)

    _, replayed = await outbox.due()
    assert await outbox.claim(replayed, 30) is None
    await outbox.failed(posting, 500, None, clock() + timedelta(hours=1))
    clock.advance(30)
    assert await outbox.claim(replayed, 30)


async def test_what_never_was_cannot_be_replayed(outbox: Outbox) -> None:
    with pytest.raises(ObjectMissing):
        await outbox.replay("job-completed")


async def test_an_entry_whose_message_is_not_there_yet_is_looked_at_again(
    documents: MemoryDocuments, outbox: Outbox, clock: HandClock
) -> None:
    other = Outbox(documents, clock)
    await added(other)
    (pending,) = await outbox.due()
    await documents.delete("outbox/job-completed")

    assert await outbox.claim(pending, 30) is None
    assert await outbox.due() == []
    clock.advance(5)
    assert await outbox.due() == [pending]


async def test_a_job_that_is_forgotten_leaves_nothing_behind_once_all_is_told(
    documents: MemoryDocuments, outbox: Outbox, clock: HandClock
) -> None:
    await added(outbox)
    await failed(outbox, clock, again_in_s=None)
    await outbox.replay("job-completed")
    (pending,) = await outbox.due()
    posting = await outbox.claim(pending, 30)
    await added(outbox, job="job2")
    assert posting

    await outbox.forget("job")
    kept = await documents.names("outbox-open/")
    await outbox.delivered(posting, 200)
    await outbox.forget("job")

    assert "outbox-open/job-completed-1" in kept
    assert await documents.names("outbox/") == ["outbox/job2-completed"]
    assert await documents.names("outbox-open/") == ["outbox-open/job2-completed-0"]


async def test_messages_are_listed_by_account(outbox: Outbox) -> None:
    await added(outbox, job="one")
    await added(outbox, job="two", account="other")

    assert [message.job async for message in outbox.messages()] == ["one", "two"]
    assert [message.job async for message in outbox.messages("other")] == ["two"]


async def test_neither_url_nor_body_is_shown_by_chance(outbox: Outbox) -> None:
    await added(outbox, payload="a secret", url="https://hooks.example/token")

    assert "secret" not in repr(await the_message(outbox))
    assert "token" not in repr(await the_message(outbox))


async def added(
    outbox: Outbox,
    job: str = "job",
    account: str = "acme",
    payload: Json = None,
    url: str = "https://hooks.example/hook",
) -> None:
    await outbox.add(job, "completed", account, "native", url, payload)


async def delivered(outbox: Outbox) -> None:
    (pending,) = await outbox.due()
    message = await outbox.claim(pending, 30)
    assert message
    await outbox.delivered(message, 200)


async def failed(outbox: Outbox, clock: HandClock, again_in_s: float | None) -> None:
    (pending,) = await outbox.due()
    message = await outbox.claim(pending, 30)
    assert message
    again_at = None if again_in_s is None else clock() + timedelta(seconds=again_in_s)
    await outbox.failed(message, 503, None, again_at)


async def the_message(outbox: Outbox) -> Message:
    (message,) = [message async for message in outbox.messages()]
    return message
