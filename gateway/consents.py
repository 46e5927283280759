"""The log of consents: what people have agreed to, attested by the caller. Nothing in it is ever changed or removed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from gateway.accounts import Caller
from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ids import new_id
from gateway.submissions import Consent
from services.common.errors import ConsentInvalid


class RecordedConsent(BaseModel):
    """Stored as `consents/<account>/<id>`."""

    model_config = ConfigDict(frozen=True)

    id: str
    key: str
    """The API key it was recorded with."""
    recorded_at: datetime
    consent: Consent


class Revocation(BaseModel):
    """Stored as `revocations/<account>/<id of the consent>`."""

    model_config = ConfigDict(frozen=True)

    by: str
    """Who revoked it."""
    revoked_at: datetime


@dataclass(frozen=True)
class LoggedConsent:
    recorded: RecordedConsent
    revocation: Revocation | None


class Consents:
    """A consent of another account is treated as one that does not exist."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._consents = Collection(documents, "consents", RecordedConsent)
        self._revocations = Collection(documents, "revocations", Revocation)
        self._clock = clock

    async def record(self, caller: Caller, consent: Consent) -> str:
        """Its id. Raises ConsentInvalid when it has expired already."""
        now = self._clock()
        if _has_expired(consent, now):
            raise ConsentInvalid("This consent has expired already.")
        recorded = RecordedConsent(id=new_id(now), key=caller.key.id, recorded_at=now, consent=consent)
        await self._consents.create(f"{caller.account.id}/{recorded.id}", recorded)
        return recorded.id

    async def check(self, account: str, consent_id: str, now: datetime) -> Consent:
        """What a job may rest on. Raises ConsentInvalid when it does not exist, has expired or was revoked."""
        consent = await self.find(account, consent_id)
        if consent is None:
            raise ConsentInvalid(f"There is no consent {consent_id}.", consent_id=consent_id)
        if _has_expired(consent, now):
            raise ConsentInvalid(f"Consent {consent_id} has expired.", consent_id=consent_id)
        if await self._revocations.find(f"{account}/{consent_id}") is not None:
            raise ConsentInvalid(f"Consent {consent_id} was revoked.", consent_id=consent_id)
        return consent

    async def find(self, account: str, consent_id: str) -> Consent | None:
        """What was recorded, also if it is valid no longer."""
        recorded = await self._consents.find(f"{account}/{consent_id}")
        return recorded.consent if recorded else None

    async def revoke(self, account: str, consent_id: str, by: str) -> Revocation:
        """From now on no new job may rest on it; the first revocation counts. Raises ConsentInvalid for none."""
        key = f"{account}/{consent_id}"
        if await self._consents.find(key) is None:
            raise ConsentInvalid(f"There is no consent {consent_id}.", consent_id=consent_id)
        return await self._revocations.create_once(key, Revocation(by=by, revoked_at=self._clock()))

    async def list(self, account: str) -> AsyncIterator[LoggedConsent]:
        """In the order in which they were recorded."""
        async for recorded in self._consents.all(f"{account}/"):
            yield LoggedConsent(recorded, await self._revocations.find(f"{account}/{recorded.id}"))


def _has_expired(consent: Consent, now: datetime) -> bool:
    return consent.expires_at is not None and consent.expires_at <= now
