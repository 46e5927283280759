"""The ledger of charges and credits."""

import hashlib
import json
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_entries import MIDNIGHT, charge, credit, entry_lists

from gateway.billing.entries import Charge, Entry, is_intact, sealed
from gateway.billing.ledger import Balance, Finding, Ledger, reconstruct
from gateway.memory_documents import MemoryDocuments
from services.common.errors import DocumentExists, InvalidParameter

# The same examples on every machine, however slow.
drawn = settings(deadline=None, derandomize=True)


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def ledger(documents: MemoryDocuments) -> Ledger:
    return Ledger(documents)


async def test_a_job_is_charged_once_whatever_is_asked_later(ledger: Ledger) -> None:
    first = await ledger.charge(charge(seconds=30.0))

    again = await ledger.charge(charge(seconds=60.0))

    assert again == first == await ledger.charge_of("studio", "job")
    assert await ledger.balance("studio") == Balance(jobs=1, microseconds=30_000_000, charged=900_000)


async def test_a_refund_gives_the_charge_back_once(ledger: Ledger) -> None:
    await ledger.charge(charge(seconds=30.0))

    for reason in ("no sound", "no sound, asked again"):
        await ledger.refund("studio", "job", reason=reason, by="operator", at=MIDNIGHT)

    assert (await ledger.balance("studio")).amount == 0
    refund = await ledger.refund_of("studio", "job")
    assert refund is not None
    assert (refund.amount, refund.reason) == (900_000, "no sound")


async def test_a_job_that_was_not_charged_is_not_refunded(ledger: Ledger) -> None:
    with pytest.raises(InvalidParameter, match="not charged"):
        await ledger.refund("studio", "job", reason="no sound", by="operator", at=MIDNIGHT)


async def test_a_credit_is_granted_once_and_other_terms_under_its_id_are_refused(ledger: Ledger) -> None:
    await ledger.credit(credit(amount=5_000_000))
    await ledger.credit(credit(amount=5_000_000))

    with pytest.raises(DocumentExists):
        await ledger.credit(credit(amount=6_000_000))

    assert (await ledger.balance("studio")).amount == 5_000_000


async def test_entries_come_by_time_however_many_there_are(ledger: Ledger) -> None:
    times = [MIDNIGHT + timedelta(minutes=minute) for minute in range(150)]
    for number, at in enumerate(reversed(times)):
        await ledger.charge(charge(f"job-{number:03}", at=at))

    assert [entry.at for entry in await ledger.entries("studio")] == times


async def test_accounts_do_not_see_each_others_entries(ledger: Ledger) -> None:
    await ledger.charge(charge(account="studio"))
    await ledger.charge(charge(account="studio-2"))

    assert [entry.account for entry in await ledger.entries("studio")] == ["studio"]
    assert await ledger.charge_of("other", "job") is None
    assert await ledger.balance("other") == Balance()


@drawn
@given(entry_lists(), st.randoms(use_true_random=False))
def test_balances_are_reconstructed_from_entries_in_any_order(entries: list[Entry], chance: random.Random) -> None:
    shuffled = chance.sample(entries, len(entries))

    balances = reconstruct(shuffled)

    assert balances == reconstruct(entries)
    for account, balance in balances.items():
        own = [entry for entry in entries if entry.account == account]
        assert balance.amount == sum(-e.amount if isinstance(e, Charge) else e.amount for e in own)


@drawn
@given(entry_lists())
def test_an_entry_is_intact_when_it_was_written_and_read(entries: list[Entry]) -> None:
    for entry in map(sealed, entries):
        assert is_intact(entry)
        assert is_intact(type(entry).model_validate_json(entry.model_dump_json()))
        assert not is_intact(entry.model_copy(update={"amount": entry.amount + 1}))


async def test_an_untouched_ledger_verifies(ledger: Ledger) -> None:
    await ledger.charge(charge())
    await ledger.credit(credit())

    assert await ledger.verify("studio") == []


@pytest.mark.parametrize(
    ("field", "value"), [("amount", 1), ("microseconds", 1), ("at", "2026-01-01T00:00:00Z"), ("note", "added")]
)
async def test_a_changed_entry_is_found(
    ledger: Ledger, documents: MemoryDocuments, field: str, value: str | int
) -> None:
    await ledger.charge(charge())
    await ledger.charge(charge("untouched"))
    name = "charges/studio/job"
    stored, revision = await documents.get(name)

    await documents.update(name, json.dumps(json.loads(stored) | {field: value}).encode(), revision)

    assert await ledger.verify("studio") == [Finding(name, "Its hash is not that of its content.")]


async def test_an_entry_under_another_name_and_a_damaged_one_are_found(
    ledger: Ledger, documents: MemoryDocuments
) -> None:
    await ledger.charge(charge())
    await ledger.credit(credit())
    value, _ = await documents.get("charges/studio/job")

    await documents.create("charges/studio/copy", value)
    await documents.create("credits/studio/damaged", value[:-2])

    assert await ledger.verify("studio") == [
        Finding("charges/studio/copy", "It is the entry studio/job."),
        Finding("credits/studio/damaged", "It cannot be read."),
    ]


async def test_an_amount_that_its_plan_does_not_ask_is_found_although_the_hash_fits(
    ledger: Ledger, documents: MemoryDocuments
) -> None:
    forged = sealed(charge().model_copy(update={"amount": 1}))

    await documents.create("charges/studio/job", forged.model_dump_json().encode())

    assert await ledger.verify("studio") == [Finding("charges/studio/job", "Its amount is not what its plan asks.")]


async def test_entries_of_earlier_and_later_versions_keep_their_seal(
    ledger: Ledger, documents: MemoryDocuments
) -> None:
    whole = json.loads(sealed(charge()).model_dump_json())
    later = sealed(Charge.model_validate(whole | {"job": "later", "tax": 19}))
    without_defaults = {field: value for field, value in whole.items() if field not in ("kind", "currency", "sha256")}
    earlier = Charge.model_validate_json(json.dumps(without_defaults | {"job": "earlier"}))
    earlier = earlier.model_copy(update={"sha256": _digest_of(without_defaults | {"job": "earlier"})})
    await documents.create("charges/studio/later", later.model_dump_json().encode())
    await documents.create("charges/studio/earlier", earlier.model_dump_json(exclude_unset=True).encode())

    assert await ledger.verify("studio") == []


def _digest_of(fields: dict[str, object]) -> str:
    """As anybody would compute it who has only read what the seal is."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
