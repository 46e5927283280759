"""What the ledger is made of: charges and credits, each sealed with a hash of its own."""

import hashlib
import json
from typing import Final, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.billing.plans import Amount, Plan

PART: Final = "^[A-Za-z0-9_-]{1,64}$"


class Sealed(BaseModel):
    """Extra fields, which a later version may have written, are kept: the seal covers them."""

    model_config = ConfigDict(frozen=True, extra="allow")

    account: str = Field(pattern=PART)
    amount: Amount
    currency: Literal["USD"] = "USD"
    at: AwareDatetime
    sha256: str = ""
    """Of all other fields as JSON in UTF-8: keys sorted, no spaces, no escapes but those JSON demands."""


class Charge(Sealed):
    """Stored as `charges/<account>/<job>`: a completed job and its price."""

    kind: Literal["charge"] = "charge"
    job: str = Field(pattern=PART)
    plan: Plan
    """Its terms at that time, so that the amount can be checked from the entry alone."""
    microseconds: int = Field(ge=0)
    """Length of what the plan meters."""

    @property
    def key(self) -> str:
        return f"{self.account}/{self.job}"

    @property
    def seconds(self) -> float:
        return self.microseconds / 1_000_000


class Credit(Sealed):
    """Stored as `credits/<account>/<id>`: what is given back, or paid in advance."""

    kind: Literal["credit"] = "credit"
    id: str = Field(pattern=PART)
    job: str | None = None
    """The job whose charge is given back."""
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(min_length=1, max_length=200)
    """Who granted it."""

    @property
    def key(self) -> str:
        return f"{self.account}/{self.id}"


Entry = Charge | Credit
AnyEntry = TypeVar("AnyEntry", Charge, Credit)


def sealed(entry: AnyEntry) -> AnyEntry:
    whole = type(entry).model_validate_json(entry.model_dump_json())
    return whole.model_copy(update={"sha256": _digest(whole)})


def is_intact(entry: Entry) -> bool:
    return entry.sha256 == _digest(entry)


def in_order(entries: list[Entry]) -> list[Entry]:
    """By time, and at the same time by name."""
    return sorted(entries, key=lambda entry: (entry.at, entry.kind, entry.key))


def _digest(entry: Entry) -> str:
    # Only what was stored counts: a field that this version adds has its default in entries of earlier ones.
    body = entry.model_dump(mode="json", exclude={"sha256"}, exclude_unset=True)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
