"""What callers are still to be told: one message for each event of a job, kept until it is delivered or given up.

A message's entry under `outbox-open/` is made before the message and removed after its end, so that none is overlooked
whenever a process dies, and those that ended long ago are not looked at. A replay has an entry of its own: who removes
an old one cannot remove that.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, get_args

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.submissions import Dialect
from gateway.webhooks.json_text import Json, json_text
from gateway.webhooks.messages import Event, Lease, Message, Pending
from services.common.errors import InvalidParameter, ObjectMissing

LARGEST_BODY: Final = 256 << 10
"""Bytes."""

_LOOK_AGAIN_S = 5.0
"""After this time an entry is looked at again whose message is not there yet, or not replayed yet."""


class Outbox:
    """All methods may raise Unavailable."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._messages = Collection(documents, "outbox", Message)
        self._open = Collection(documents, "outbox-open", Pending)
        self._clock = clock
        self._known: dict[str, Pending] = {}
        self._not_before: dict[str, datetime] = {}
        """When a message is due at the earliest, as far as this process knows."""
        self.news = asyncio.Event()
        """Set when something may be due; who delivers clears it."""

    async def add(self, job: str, event: Event, account: str, dialect: Dialect, url: str, payload: Json) -> None:
        """Once for a job and event: what comes later is passed over. What is too large is kept as given up, unsent."""
        body, now = json_text(payload), self._clock()
        message = Message(
            job=job,
            event=event,
            account=account,
            dialect=dialect,
            url=url,
            body=body,
            created_at=now,
            next_attempt_at=now,
        )
        if len(body.encode()) > LARGEST_BODY:
            message = message.model_copy(update={"body": "", "given_up_at": now, "last_error": "body_too_large"})
        if await self._messages.find(message.id) is None:
            if not message.ended:
                await self._enter(message)
            await self._messages.create_once(message.id, message)
        self.news.set()

    async def due(self) -> list[Pending]:
        """What may be sent now, oldest jobs first. Some of it others may be sending."""
        keys = await self._open.keys()
        known = {key: self._known.get(key) or await self._open.find(key) for key in keys}
        self._known = {key: pending for key, pending in known.items() if pending is not None}
        self._not_before = {key: self._not_before[key] for key in self._known.keys() & self._not_before}
        now = self._clock()
        return [pending for key, pending in self._known.items() if self._not_before.get(key, now) <= now]

    @property
    def endpoints(self) -> set[str]:
        """Of all that `due` saw last, due or not."""
        return {pending.endpoint for pending in self._known.values()}

    async def claim(self, pending: Pending, lease_s: float) -> Message | None:
        """The message, for the one who gets it; None when it is not due, has ended, or somebody else has it."""
        now = self._clock()
        lease = Lease(holder=uuid.uuid4().hex, until=now + timedelta(seconds=lease_s))

        def take(message: Message) -> Message:
            if message.replays != pending.replays or message.ended or _not_before(message) > now:
                return message
            return message.model_copy(update={"lease": lease})

        try:
            message = await self._messages.change(pending.message, take)
        except ObjectMissing:
            self._not_before[pending.key] = now + timedelta(seconds=_LOOK_AGAIN_S)
            return None
        if message.lease == lease:
            return message
        if pending.replays > message.replays:
            self._not_before[pending.key] = now + timedelta(seconds=_LOOK_AGAIN_S)
        elif pending.replays < message.replays or message.ended:
            await self._open.delete(pending.key)
        else:
            self._not_before[pending.key] = _not_before(message)
        return None

    async def delivered(self, claimed: Message, status: int) -> None:
        """Counts also for one whose lease has ended: the receiver has it."""
        now = self._clock()

        def end(message: Message) -> Message:
            if message.delivered_at or message.replays != claimed.replays:
                return message
            return _attempted(message, status, None, {"delivered_at": now, "given_up_at": None})

        await self._record(claimed, end)

    async def failed(self, claimed: Message, status: int | None, error: str | None, again_at: datetime | None) -> None:
        """`again_at` is None when the message is given up."""
        outcome = {"next_attempt_at": again_at} if again_at else {"given_up_at": self._clock()}

        def put_off(message: Message) -> Message:
            if message.lease != claimed.lease or message.replays != claimed.replays:
                return message
            return _attempted(message, status, error, outcome)

        await self._record(claimed, put_off)

    async def replay(self, message_id: str) -> None:
        """Sends it again, from the first attempt on, with the same id and body.

        Raises ObjectMissing, and InvalidParameter for one that was too large.
        """
        before = await self._messages.get(message_id)
        if not before.body:
            raise InvalidParameter(f"Webhook {message_id} was too large to be sent.", message=message_id)

        def again(message: Message) -> Message:
            return self._replayed(message) if message.replays == before.replays else message

        await self._enter(self._replayed(before))
        await self._messages.change(message_id, again)
        self.news.set()

    async def messages(self, account: str | None = None) -> AsyncIterator[Message]:
        """All, or an account's, oldest jobs first."""
        async for message in self._messages.all():
            if account in (None, message.account):
                yield message

    async def jobs(self) -> set[str]:
        """Those that messages are kept about."""
        return {key.rpartition("-")[0] for key in await self._messages.keys()}

    async def forget(self, job: str) -> None:
        """Removes what was told about a job. What is still to be told stays until it is delivered or given up."""
        for event in get_args(Event):
            message = await self._messages.find(f"{job}-{event}")
            if message is None or not message.ended:
                continue
            await self._open.delete(f"{message.id}-{message.replays}")
            await self._messages.delete(message.id)

    async def _enter(self, message: Message) -> None:
        pending = Pending(
            message=message.id,
            replays=message.replays,
            endpoint=message.endpoint,
            account=message.account,
            since=message.next_attempt_at,
        )
        await self._open.create_once(pending.key, pending)

    def _replayed(self, message: Message) -> Message:
        fresh = {"attempts": 0, "next_attempt_at": self._clock(), "delivered_at": None, "given_up_at": None}
        return message.model_copy(update={"replays": message.replays + 1, **fresh})

    async def _record(self, claimed: Message, edit: Callable[[Message], Message]) -> None:
        key = f"{claimed.id}-{claimed.replays}"
        try:
            message = await self._messages.change(claimed.id, edit)
        except ObjectMissing:
            return
        self._not_before[key] = _not_before(message)
        if message.ended or message.replays != claimed.replays:
            await self._open.delete(key)


def _attempted(
    message: Message, status: int | None, error: str | None, outcome: Mapping[str, datetime | None]
) -> Message:
    last = {"attempts": message.attempts + 1, "lease": None, "last_status": status, "last_error": error}
    return message.model_copy(update={**last, **outcome})


def _not_before(message: Message) -> datetime:
    return max(message.next_attempt_at, message.lease.until) if message.lease else message.next_attempt_at
