"""Who may ask: accounts, which own jobs and pay for them, and the keys that speak for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Scope = Literal["jobs:read", "jobs:write", "usage:read"]
ALL_SCOPES: frozenset[Scope] = frozenset({"jobs:read", "jobs:write", "usage:read"})
"""What a key may do unless less is asked for."""


class Limits(BaseModel):
    """What one account may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: int = Field(default=3000, ge=1)
    creates_per_minute: int = Field(default=600, ge=1)
    running_jobs: int = Field(default=4, ge=1)
    """Further jobs wait in state `created`; none is refused for this."""
    seconds_per_day: int | None = Field(default=None, ge=0)
    """Seconds of new voice a day; None = no quota."""
    max_media_bytes: int = Field(default=2 << 30, ge=1)
    """Size of one video or voice."""


class Account(BaseModel):
    """Stored as `accounts/<id>`."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    created_at: datetime
    price_plan: str = "per-5-seconds"
    limits: Limits = Limits()
    consent_required: bool = False
    """Jobs without a valid consent are refused."""
    default_consent: str | None = None
    """Id of the consent that jobs rest on which name none, so that unmodified client code still runs."""
    retention_s: int | None = Field(default=None, ge=0)
    """How long media and results are kept after a job's end; None = as this installation does."""
    webhook_secret: str = Field(repr=False)
    """32 random bytes in standard base64; what is posted to this account's webhooks is signed with it."""


class ApiKey(BaseModel):
    """Stored as `keys/<id>`. The secret itself is shown once and never stored."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    name: str
    secret_sha256: str = Field(repr=False)
    old_secret_sha256: str | None = Field(default=None, repr=False)
    """The secret before the last rotation."""
    old_secret_until: datetime | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class Caller:
    """Who makes a request."""

    account: Account
    key: ApiKey
