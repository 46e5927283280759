"""One attempt: a message is signed and posted, and what came of it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx2

from gateway.clock import Clock
from gateway.webhooks.messages import Message
from gateway.webhooks.schedule import retry_after_s
from gateway.webhooks.signer import Signer
from services.common.errors import InputError, ObjectMissing, Superseded

_GONE: Final = 410


@dataclass(frozen=True)
class Outcome:
    status: int | None = None
    """HTTP status; None when there was no answer."""
    error: str | None = None
    """Why there was none, in a word."""
    retry_after_s: float = 0.0
    final: bool = False
    """No further attempt can help."""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def endpoint_works(self) -> bool | None:
        """None when nothing was learned of it. One that knows its own URLs works, also when it refuses this one."""
        if self.status is None:
            return None if self.final else False
        return self.status < 500 and self.status != 429


class Poster:
    """`client` refuses forbidden addresses with UrlForbidden. `timeout_s` is for a whole attempt."""

    def __init__(self, client: httpx2.AsyncClient, signer: Signer, clock: Clock, timeout_s: float) -> None:
        self._client, self._signer, self._clock, self._timeout_s = client, signer, clock, timeout_s

    async def post(self, message: Message) -> Outcome:
        """Raises Superseded when the message's lease may end before the attempt does, Unavailable."""
        try:
            headers = await self._signer.headers(message, self._clock())
        except ObjectMissing:
            return Outcome(error="account_missing", final=True)
        self._check_lease(message)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._answer(message, {"Content-Type": "application/json", **headers})
        except InputError as error:
            return Outcome(error=error.code, final=True)
        except (TimeoutError, httpx2.TimeoutException):
            return Outcome(error="timeout")
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return Outcome(error="no_answer")

    async def _answer(self, message: Message, headers: dict[str, str]) -> Outcome:
        body = message.body.encode()
        # The answer's body is not read: nothing in it counts, and it may have no end.
        async with self._client.stream(
            "POST", message.url, content=body, headers=headers, follow_redirects=False
        ) as answer:
            asked_s = retry_after_s(answer.headers.get("Retry-After", ""), self._clock())
            return Outcome(answer.status_code, retry_after_s=asked_s, final=answer.status_code == _GONE)

    def _check_lease(self, message: Message) -> None:
        """A process that was stopped for a while must not post what another one may be posting."""
        ends = self._clock() + timedelta(seconds=self._timeout_s)
        if message.lease is None or message.lease.until < ends:
            raise Superseded(f"Another process may have claimed webhook {message.id}.")
