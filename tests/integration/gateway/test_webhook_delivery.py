"""Webhooks as real receivers meet them."""

import asyncio
import base64
import ipaddress
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from port_suites.hand_clock import HandClock
from standardwebhooks import Webhook
from webhook_receiver import (
    WebhookReceiver,
    hangs_up,
    never_ends,
    says,
    says_nothing,
    says_when,
    webhook_receiver,
)

from gateway.accounts import Account
from gateway.addresses import UrlPolicy
from gateway.clock import Clock, utc_now
from gateway.documents import Collection
from gateway.guarded_client import guarded_client
from gateway.memory_documents import MemoryDocuments
from gateway.submissions import Dialect
from gateway.webhooks.delivery import AT_ONCE, AT_ONCE_PER_ACCOUNT, AT_ONCE_PER_ENDPOINT, LONGEST_WAIT_S, Deliverer
from gateway.webhooks.fal_key import fal_key
from gateway.webhooks.messages import Message, Pending
from gateway.webhooks.outbox import Outbox
from gateway.webhooks.schedule import PAUSES_S
from gateway.webhooks.signatures import shown_secret
from gateway.webhooks.signer import AccountSigner

SECRET = base64.b64encode(bytes(range(200, 232))).decode()
JOBS = [f"job{number:02}" for number in range(12)]
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Sender:
    """One gateway: its outbox and its deliverer."""

    def __init__(self, documents: MemoryDocuments, outbox: Outbox, deliverer: Deliverer, clock: Clock) -> None:
        self.documents, self.outbox, self.deliverer, self.clock = documents, outbox, deliverer, clock

    async def tell(self, receiver: WebhookReceiver, job: str = "job", dialect: Dialect = "native") -> None:
        await self.outbox.add(job, "completed", "acme", dialect, receiver.url, {"job": job})

    async def noted(self, account: str, receiver: WebhookReceiver, job: str) -> None:
        """Tells it with its account in what is pending."""
        endpoint = receiver.url.removesuffix("/hook?token=hidden")
        pending = Pending(message=f"{job}-completed", replays=0, endpoint=endpoint, since=self.clock(), account=account)
        await Collection(self.documents, "outbox-open", Pending).create_once(pending.key, pending)
        await self.tell(receiver, job)

    async def message(self, job: str = "job") -> Message:
        return await Collection(self.documents, "outbox", Message).get(f"{job}-completed")


@asynccontextmanager
async def sender(
    *receivers: WebhookReceiver,
    clock: Clock,
    timeout_s: float = 5.0,
    documents: MemoryDocuments | None = None,
    policy: UrlPolicy | None = None,
) -> AsyncIterator[Sender]:
    documents = documents or MemoryDocuments()
    accounts = Collection(documents, "accounts", Account)
    await accounts.create_once("acme", Account(id="acme", name="Acme", created_at=clock(), webhook_secret=SECRET))
    outbox, signer = Outbox(documents, clock), AccountSigner(accounts, await fal_key(documents, clock))
    policy = policy or UrlPolicy(networks=LOOPBACK, ports=frozenset(receiver.port for receiver in receivers))
    async with guarded_client(policy, httpx2.Timeout(timeout_s)) as client:
        yield Sender(documents, outbox, Deliverer(outbox, client, signer, clock, timeout_s, lambda: 0.5), clock)


async def test_a_native_webhook_arrives_signed_and_is_not_sent_again() -> None:
    async with webhook_receiver(says(204)) as receiver, sender(receiver, clock=utc_now) as gateway:
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()
        await gateway.deliverer.deliver_due()

        (received,) = receiver.received
        message = await gateway.message()
    assert Webhook(shown_secret(SECRET)).verify(received.body, received.headers) == {"job": "job"}
    assert (received.path, received.headers["content-type"]) == ("/hook?token=hidden", "application/json")
    assert (message.last_status, message.attempts, message.ended) == (204, 1, True)


@pytest.mark.parametrize(
    ("dialect", "header", "value"),
    [
        ("native", "webhook-id", "job-completed"),
        ("replicate", "webhook-id", "job-completed"),
        ("wavespeed", "webhook-id", "job"),
        ("fal", "x-fal-webhook-request-id", "job"),
        ("fal", "x-fal-webhook-user-id", "acme"),
        ("sync", "sync-signature", None),
    ],
)
async def test_each_dialect_has_its_own_headers(dialect: Dialect, header: str, value: str | None) -> None:
    async with webhook_receiver(says(200)) as receiver, sender(receiver, clock=HandClock()) as gateway:
        await gateway.tell(receiver, dialect=dialect)
        await gateway.deliverer.deliver_due()

        (received,) = receiver.received
    assert value in (None, received.headers[header])


async def test_every_attempt_sends_the_same_until_the_message_is_given_up() -> None:
    clock = HandClock()
    async with webhook_receiver(says(404)) as receiver, sender(receiver, clock=clock) as gateway:
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()
        for pause_s in PAUSES_S:
            clock.advance(pause_s - 1)
            await gateway.deliverer.deliver_due()
            attempts_before = len(receiver.received)
            clock.advance(1)
            await gateway.deliverer.deliver_due()
            assert len(receiver.received) == attempts_before + 1
        clock.advance(10**6)
        await gateway.deliverer.deliver_due()

        message = await gateway.message()
    assert len(receiver.received) == len(PAUSES_S) + 1
    assert len({(received.headers["webhook-id"], received.body) for received in receiver.received}) == 1
    assert len({received.headers["webhook-timestamp"] for received in receiver.received}) == len(PAUSES_S) + 1
    assert (message.attempts, message.last_status, message.delivered_at) == (len(PAUSES_S) + 1, 404, None)
    assert message.given_up_at


async def test_an_endpoint_that_is_gone_is_not_tried_again() -> None:
    async with webhook_receiver(says(410)) as receiver, sender(receiver, clock=HandClock()) as gateway:
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()

        assert (await gateway.message()).given_up_at


async def test_a_redirect_is_not_followed() -> None:
    async with (
        webhook_receiver(says(200)) as elsewhere,
        webhook_receiver(says(307, f"Location: {elsewhere.url}")) as receiver,
        sender(receiver, elsewhere, clock=HandClock()) as gateway,
    ):
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()

        message = await gateway.message()
    assert elsewhere.received == []
    assert (message.last_status, message.ended) == (307, False)


@pytest.mark.parametrize(("header", "waits_s"), [("Retry-After: 90", 90), ("Retry-After: 86400", 3600)])
async def test_a_receiver_that_asks_for_time_is_given_up_to_an_hour(header: str, waits_s: int) -> None:
    clock = HandClock()
    async with webhook_receiver(says(429, header)) as receiver, sender(receiver, clock=clock) as gateway:
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()

        assert (await gateway.message()).next_attempt_at == clock() + timedelta(seconds=waits_s)


@pytest.mark.parametrize(("answer", "error"), [(says_nothing, "timeout"), (hangs_up, "no_answer")])
async def test_a_receiver_that_does_not_answer_is_tried_again(answer: object, error: str) -> None:
    clock = HandClock()
    async with (
        webhook_receiver(answer, says(200)) as receiver,  # type: ignore[arg-type]  # parametrize knows no types
        sender(receiver, clock=clock, timeout_s=0.1) as gateway,
    ):
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()
        first = await gateway.message()
        clock.advance(5)
        await gateway.deliverer.deliver_due()

        message = await gateway.message()
    assert (first.last_status, first.last_error, first.ended) == (None, error, False)
    assert (message.last_status, message.last_error, message.attempts) == (200, None, 2)


async def test_an_answer_without_an_end_is_not_read() -> None:
    async with webhook_receiver(never_ends) as receiver, sender(receiver, clock=HandClock()) as gateway:
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()

        assert (await gateway.message()).delivered_at


async def test_an_address_that_must_not_be_reached_is_given_up_unmet() -> None:
    async with (
        webhook_receiver(says(200)) as receiver,
        sender(receiver, clock=HandClock(), policy=UrlPolicy(ports=frozenset({receiver.port}))) as gateway,
    ):
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()

        message = await gateway.message()
    assert receiver.received == []
    assert (message.last_error, bool(message.given_up_at)) == ("url_forbidden", True)


async def test_a_message_whose_account_is_gone_is_given_up() -> None:
    async with webhook_receiver(says(200)) as receiver, sender(receiver, clock=HandClock()) as gateway:
        await gateway.tell(receiver)
        await gateway.documents.delete("accounts/acme")
        await gateway.deliverer.deliver_due()

        message = await gateway.message()
    assert receiver.received == []
    assert (message.last_error, bool(message.given_up_at)) == ("account_missing", True)


async def test_messages_to_a_broken_endpoint_wait_without_using_up_attempts_while_others_go_on() -> None:
    clock = HandClock()
    async with (
        webhook_receiver(*[says(500)] * 8, says(200)) as broken,
        webhook_receiver(says(200)) as fine,
        sender(broken, fine, clock=clock) as gateway,
    ):
        for job in JOBS:
            await gateway.tell(broken, job)
        for _ in range(3):
            await gateway.deliverer.deliver_due()
        await gateway.tell(fine, "other")
        await gateway.deliverer.deliver_due()
        attempts = [(await gateway.message(job)).attempts for job in JOBS]
        clock.advance(30)
        await gateway.deliverer.deliver_due()
        probes = len(broken.received) - sum(attempts)
        for _ in range(3):
            await gateway.deliverer.deliver_due()

        delivered = [(await gateway.message(job)).delivered_at for job in JOBS]
    assert len(fine.received) == 1
    assert attempts == [1] * 8 + [0] * 4
    assert probes == 1
    assert all(delivered)


async def test_what_waited_for_days_behind_an_open_circuit_is_given_up() -> None:
    clock = HandClock()
    async with webhook_receiver(says(500)) as broken, sender(broken, clock=clock) as gateway:
        for job in JOBS:
            await gateway.tell(broken, job)
        for _ in range(2):
            await gateway.deliverer.deliver_due()
        clock.advance(LONGEST_WAIT_S + 1)
        for _ in range(4):
            await gateway.deliverer.deliver_due()

        message = await gateway.message(JOBS[-1])
    assert (message.last_error, bool(message.given_up_at)) == ("circuit_open", True)


async def test_a_slow_endpoint_holds_up_no_other() -> None:
    allowed = asyncio.Event()
    async with (
        webhook_receiver(says_when(allowed, 200)) as slow,
        webhook_receiver(says(200)) as fine,
        sender(slow, fine, clock=utc_now) as gateway,
    ):
        closing = asyncio.Event()
        running = asyncio.create_task(gateway.deliverer.run(closing))
        for job in range(AT_ONCE):
            await gateway.tell(slow, f"a{job:02}")
        await slow.met(AT_ONCE_PER_ENDPOINT)
        await gateway.tell(fine, "b")
        await fine.met(1)
        allowed.set()
        await slow.met(AT_ONCE)
        closing.set()
        await running

        assert slow.most_at_once == AT_ONCE_PER_ENDPOINT
        assert [message.delivered_at is not None async for message in gateway.outbox.messages()] == [True] * 33


async def test_an_account_with_many_slow_endpoints_holds_up_no_other() -> None:
    allowed = asyncio.Event()
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(webhook_receiver(says_when(allowed, 200))) for _ in range(8)]
        fine = await stack.enter_async_context(webhook_receiver(says(200)))
        gateway = await stack.enter_async_context(sender(*slow, fine, clock=utc_now))
        closing = asyncio.Event()
        for job in range(AT_ONCE):
            await gateway.noted("many", slow[job % 8], f"a{job:02}")
        await gateway.noted("acme", fine, "b")
        running = asyncio.create_task(gateway.deliverer.run(closing))

        await fine.met(1)
        allowed.set()
        closing.set()
        await running

        assert sum(receiver.most_at_once for receiver in slow) <= AT_ONCE_PER_ACCOUNT


async def test_two_gateways_share_the_work_and_post_nothing_twice() -> None:
    documents = MemoryDocuments()
    async with (
        webhook_receiver(says(200)) as receiver,
        sender(receiver, clock=utc_now, documents=documents) as one,
        sender(receiver, clock=utc_now, documents=documents) as other,
    ):
        for job in JOBS:
            await one.tell(receiver, job)
        while await one.outbox.due():
            await asyncio.gather(one.deliverer.deliver_due(), other.deliverer.deliver_due())

    assert sorted(json.loads(received.body)["job"] for received in receiver.received) == JOBS


async def test_what_is_under_way_when_the_gateway_closes_is_finished() -> None:
    allowed, closing = asyncio.Event(), asyncio.Event()
    async with webhook_receiver(says_when(allowed, 200)) as receiver, sender(receiver, clock=utc_now) as gateway:
        running = asyncio.create_task(gateway.deliverer.run(closing))
        await gateway.tell(receiver)
        await receiver.met(1)
        closing.set()
        allowed.set()
        await running

        assert (await gateway.message()).delivered_at


async def test_logs_name_the_message_and_hide_url_body_and_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with webhook_receiver(says(500), says(200)) as receiver, sender(receiver, clock=HandClock()) as gateway:
        await gateway.tell(receiver)
        await gateway.deliverer.deliver_due()
        await gateway.outbox.replay("job-completed")
        await gateway.deliverer.deliver_due()

    assert "job-completed" in caplog.text
    assert "delivered" in caplog.text
    for hidden in ("127.0.0.1", "hidden", '"job"', SECRET):
        assert hidden not in caplog.text


async def test_the_key_of_fals_webhooks_is_made_once_for_all_gateways() -> None:
    documents = MemoryDocuments()

    first, second = await asyncio.gather(fal_key(documents, utc_now), fal_key(documents, utc_now))
    later = await fal_key(documents, lambda: datetime(2030, 1, 1, tzinfo=UTC))

    assert first.private_bytes_raw() == second.private_bytes_raw() == later.private_bytes_raw()
