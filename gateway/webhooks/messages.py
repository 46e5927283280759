"""What the outbox holds."""

from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from gateway.submissions import Dialect

Event = Literal["started", "completed", "failed", "canceled"]


class Lease(BaseModel):
    """A message is left to one deliverer for a while."""

    model_config = ConfigDict(frozen=True)

    holder: str
    until: datetime


class Message(BaseModel):
    """What one event of a job is told with, stored as `outbox/<job>-<event>`.

    Every attempt sends the same body under the same id.
    """

    model_config = ConfigDict(frozen=True)

    job: str
    event: Event
    account: str
    dialect: Dialect
    """In whose way it is signed."""
    url: str = Field(repr=False)
    """May hold secrets of its receiver."""
    body: str = Field(repr=False)
    """JSON; empty when it was too large to be sent."""
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    """How often it was posted since it was created or replayed and the answer, or its lack, recorded."""
    replays: int = 0
    lease: Lease | None = None
    delivered_at: datetime | None = None
    given_up_at: datetime | None = None
    last_status: int | None = None
    """HTTP status of the last attempt; None when there was no answer."""
    last_error: str | None = None
    """What went wrong with the last attempt, in a word."""

    @property
    def id(self) -> str:
        return f"{self.job}-{self.event}"

    @property
    def ended(self) -> bool:
        return self.delivered_at is not None or self.given_up_at is not None

    @property
    def endpoint(self) -> str:
        """Scheme, host and port: what works or does not work as one."""
        url = urlsplit(self.url)
        return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


class Pending(BaseModel):
    """Where a message is found that has not ended, stored as `outbox-open/<message>-<replays>`."""

    model_config = ConfigDict(frozen=True)

    message: str
    replays: int
    endpoint: str
    since: datetime
    account: str

    @property
    def key(self) -> str:
        return f"{self.message}-{self.replays}"
