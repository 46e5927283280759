"""Posts what the outbox holds to where it belongs: at least once, also when processes die, and not in bursts."""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import httpx2
import prometheus_client

from gateway.clock import Clock
from gateway.webhooks.circuits import Circuits
from gateway.webhooks.messages import Message, Pending
from gateway.webhooks.outbox import Outbox
from gateway.webhooks.posting import Outcome, Poster
from gateway.webhooks.schedule import pause_s
from gateway.webhooks.signer import Signer
from services.common.closing import item_unless
from services.common.errors import LipstageError

log = logging.getLogger(__name__)

ATTEMPTS = prometheus_client.Counter("lipstage_webhook_attempts_total", "Webhooks posted", ["outcome"])

TIMEOUT_S: Final = 10.0
AT_ONCE: Final = 32
AT_ONCE_PER_ENDPOINT: Final = 4
AT_ONCE_PER_ACCOUNT: Final = AT_ONCE // 4
"""However many of its endpoints are slow, other accounts' messages find room."""
LONGEST_WAIT_S: Final = 3 * 24 * 3600.0
"""A message that has waited this long and finds its endpoint's circuit open is given up."""

_LEASE_MARGIN_S = 20.0
"""So much longer than posting may take a message is left to who claimed it: clocks differ, and writes take time."""
_LOOK_S = 2.0
"""How often the outbox is looked at without news: what other processes add, and what is due again."""


class Deliverer:
    """Several may run at once, in one process or many: a message is posted by the one who holds its lease.

    `client` follows no redirects and refuses forbidden addresses with UrlForbidden. `chance`, between 0 and 1, spreads
    repetitions.
    """

    def __init__(
        self,
        outbox: Outbox,
        client: httpx2.AsyncClient,
        signer: Signer,
        clock: Clock,
        timeout_s: float = TIMEOUT_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox, self._clock, self._chance = outbox, clock, chance
        self._poster = Poster(client, signer, clock, timeout_s)
        self._lease_s = timeout_s + _LEASE_MARGIN_S
        self._circuits = Circuits(clock)
        self._under_way: dict[str, Pending] = {}
        """What is being posted, by its key."""
        self._crowded = False
        """Whether more was due than is posted at once."""

    async def run(self, closing: asyncio.Event) -> None:
        """Delivers until `closing` is set; what is under way then is finished."""
        news = self._outbox.news
        async with asyncio.TaskGroup() as posts:
            while not closing.is_set():
                news.clear()
                try:
                    await self._start_due(posts)
                except LipstageError as error:
                    log.warning("webhooks wait: %s", error.code)
                with contextlib.suppress(TimeoutError):
                    await item_unless(closing, asyncio.wait_for(news.wait(), _LOOK_S))

    async def deliver_due(self) -> None:
        """Tries once what is due now, as far as circuits allow. Raises Unavailable."""
        async with asyncio.TaskGroup() as posts:
            await self._start_due(posts)

    async def _start_due(self, posts: asyncio.TaskGroup) -> None:
        due = await self._outbox.due()
        self._circuits.keep(self._outbox.endpoints)
        at_endpoint = Counter(posted.endpoint for posted in self._under_way.values())
        of_account = Counter(posted.account for posted in self._under_way.values())
        self._crowded = False
        for pending in due:
            if pending.key in self._under_way:
                continue
            if (
                len(self._under_way) >= AT_ONCE
                or at_endpoint[pending.endpoint] >= AT_ONCE_PER_ENDPOINT
                or of_account[pending.account] >= AT_ONCE_PER_ACCOUNT
            ):
                self._crowded = True
                continue
            if self._circuits.enter(pending.endpoint):
                work = self._deliver
            elif self._clock() - pending.since > timedelta(seconds=LONGEST_WAIT_S):
                work = self._give_up
            else:
                continue
            at_endpoint[pending.endpoint] += 1
            of_account[pending.account] += 1
            self._under_way[pending.key] = pending
            posts.create_task(self._apart(pending, work))

    async def _apart(self, pending: Pending, work: Callable[[Pending], Awaitable[None]]) -> None:
        """Whatever goes wrong with one message does not stop the others; it is looked at again."""
        try:
            await work(pending)
        except Exception as error:
            # Neither text nor traceback: they may hold the URL.
            log.warning("webhook %s is left for later: %s", pending.message, type(error).__name__)
        else:
            if self._crowded:
                self._outbox.news.set()
        finally:
            del self._under_way[pending.key]

    async def _deliver(self, pending: Pending) -> None:
        works: bool | None = None
        try:
            if (message := await self._outbox.claim(pending, self._lease_s)) is None:
                return
            outcome = await self._poster.post(message)
            works = outcome.endpoint_works
            await self._record(message, outcome)
        finally:
            self._circuits.leave(pending.endpoint, works)

    async def _give_up(self, pending: Pending) -> None:
        if (message := await self._outbox.claim(pending, self._lease_s)) is not None:
            await self._record(message, Outcome(error="circuit_open", final=True))

    async def _record(self, message: Message, outcome: Outcome) -> None:
        attempt, answer = message.attempts + 1, outcome.status or outcome.error
        if outcome.status is not None and outcome.delivered:
            await self._outbox.delivered(message, outcome.status)
            log.info("webhook %s: delivered at attempt %d", message.id, attempt)
            ATTEMPTS.labels("delivered").inc()
            return
        wait_s = None if outcome.final else pause_s(attempt, outcome.retry_after_s, self._chance())
        again_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        await self._outbox.failed(message, outcome.status, outcome.error, again_at)
        what = "given up" if wait_s is None else f"tried again in {wait_s:.0f} s"
        log.warning("webhook %s: attempt %d failed (%s); %s", message.id, attempt, answer, what)
        ATTEMPTS.labels("failed" if again_at else "given_up").inc()
