"""The ledger: entries that are only ever created. Every balance is computed from them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from gateway.billing.entries import AnyEntry, Charge, Credit, Entry, in_order, is_intact, sealed
from gateway.billing.plans import price
from gateway.documents import Collection, Documents
from services.common.errors import DocumentExists, InvalidParameter, MessageUnreadable, ObjectMissing

_READ_AT_ONCE: Final = 64


@dataclass(frozen=True)
class Balance:
    """What an account's entries come to. Amounts in micro-dollars."""

    jobs: int = 0
    microseconds: int = 0
    charged: int = 0
    credited: int = 0

    @property
    def amount(self) -> int:
        """What the account has left; below zero, what it owes."""
        return self.credited - self.charged


@dataclass(frozen=True)
class Finding:
    """A document of the ledger that is not as it was written."""

    name: str
    problem: str


class Ledger:
    """Every method may raise Unavailable; whatever it was doing is then done once by doing it again."""

    def __init__(self, documents: Documents) -> None:
        self._charges = Collection(documents, "charges", Charge)
        self._credits = Collection(documents, "credits", Credit)

    async def charge(self, charge: Charge) -> Charge:
        """The job's one charge: this, or the one that was there before."""
        return await self._charges.create_once(charge.key, sealed(charge))

    async def charge_of(self, account: str, job: str) -> Charge | None:
        return await self._charges.find(f"{account}/{job}")

    async def refund_of(self, account: str, job: str) -> Credit | None:
        return await self._credits.find(f"{account}/{_refund_id(job)}")

    async def credit(self, credit: Credit) -> Credit:
        """Granting the same once more changes nothing. Raises DocumentExists for other terms under the same id."""
        there = await self._credits.create_once(credit.key, sealed(credit))
        if (there.amount, there.job) != (credit.amount, credit.job):
            raise DocumentExists(f"Credit {credit.id} was granted before, on other terms.", id=credit.id)
        return there

    async def refund(self, account: str, job: str, *, reason: str, by: str, at: datetime) -> Credit:
        """Gives a job's charge back, once. Raises InvalidParameter for a job not charged, or a reason that is none."""
        charge = await self.charge_of(account, job)
        if charge is None:
            raise InvalidParameter(f"Job {job} was not charged.", job=job)
        return await self.credit(_refund(charge, reason, by, at))

    async def entries(self, account: str) -> list[Entry]:
        """All of the account's, in order."""
        charges, credits = await _all(self._charges, account), await _all(self._credits, account)
        return in_order([*charges, *credits])

    async def balance(self, account: str) -> Balance:
        return reconstruct(await self.entries(account)).get(account, Balance())

    async def verify(self, account: str) -> list[Finding]:
        """Entries that were changed, moved or damaged since; whoever recomputes the hash as well is not found out."""
        return [
            *await _findings("charges", self._charges, account),
            *await _findings("credits", self._credits, account),
        ]


def reconstruct(entries: Iterable[Entry]) -> dict[str, Balance]:
    """Every account's balance, from entries in any order."""
    balances: dict[str, Balance] = {}
    for entry in entries:
        balances[entry.account] = _with(balances.get(entry.account, Balance()), entry)
    return balances


def _refund(charge: Charge, reason: str, by: str, at: datetime) -> Credit:
    job, account, amount = charge.job, charge.account, charge.amount
    try:
        return Credit(id=_refund_id(job), job=job, account=account, amount=amount, reason=reason, by=by, at=at)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InvalidParameter(f"{wrong['loc'][0]}: {wrong['msg']}.", job=job) from error


def _refund_id(job: str) -> str:
    return f"refund-{job}"


def _with(balance: Balance, entry: Entry) -> Balance:
    if isinstance(entry, Credit):
        return Balance(balance.jobs, balance.microseconds, balance.charged, balance.credited + entry.amount)
    return Balance(
        balance.jobs + 1, balance.microseconds + entry.microseconds, balance.charged + entry.amount, balance.credited
    )


async def _all(collection: Collection[AnyEntry], account: str) -> list[AnyEntry]:
    entries: list[AnyEntry] = []
    keys = await collection.keys(f"{account}/")
    for first in range(0, len(keys), _READ_AT_ONCE):
        entries += await asyncio.gather(*map(collection.get, keys[first : first + _READ_AT_ONCE]))
    return entries


async def _findings(kind: str, collection: Collection[AnyEntry], account: str) -> list[Finding]:
    problems = [(key, await _problem(collection, key)) for key in await collection.keys(f"{account}/")]
    return [Finding(f"{kind}/{key}", problem) for key, problem in problems if problem]


async def _problem(collection: Collection[AnyEntry], key: str) -> str:
    """Empty when there is none."""
    try:
        entry = await collection.get(key)
    except MessageUnreadable:
        return "It cannot be read."
    except ObjectMissing:
        return "It is gone."
    if not is_intact(entry):
        return "Its hash is not that of its content."
    if entry.key != key:
        return f"It is the entry {entry.key}."
    if isinstance(entry, Charge) and entry.amount != price(entry.plan, entry.seconds):
        return "Its amount is not what its plan asks."
    return ""
