"""Charging cut off anywhere, repeated and raced: each completed job is charged once, no other job at all."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from ledger_entries import PLANS
from port_suites.job_records import job_record
from port_suites.submissions import NOON, submission
from port_suites.unsteady_documents import UnsteadyDocuments

from gateway.billing.charging import charge_once
from gateway.billing.entries import Charge
from gateway.billing.ledger import Ledger
from gateway.memory_documents import MemoryDocuments
from gateway.submissions import Submission
from services.common.errors import Unavailable
from services.common.messages import JobError, JobRecord

SCHEDULES = 3000
PLAN = PLANS["per-5-seconds"]
BROKEN = JobError(code="no_face", message="There is no face.")
COMPLETED: list[tuple[Submission, JobRecord | None]] = [
    (submission(voice_s=12.0), job_record(state="completed")),
    (submission(voice_s=12.0, canceled=True), job_record(state="completed")),
]
FREE: list[tuple[Submission, JobRecord | None]] = [
    (submission(), job_record(state="failed", error=BROKEN)),
    (submission(), job_record(state="canceled")),
    (submission(), job_record(state="processing")),
    (submission(canceled=True, video=None, audio=None), None),
    (submission(error=BROKEN, video=None, audio=None), None),
]


async def settled(seed: int, job: tuple[Submission, JobRecord | None]) -> tuple[MemoryDocuments, set[str], int]:
    """One to three settlers race through up to four faults and may die; one that comes later gets through.

    What is stored in the end, the hashes of all charges that any settler was told, and how many answers were lost.
    """
    chance, stored = Random(seed), MemoryDocuments()
    unsteady = UnsteadyDocuments(stored, chance, faults=chance.randrange(5))
    told: set[str] = set()

    async def settler(number: int, patience: int) -> None:
        for attempt in range(patience):
            try:
                charge = await charge_once(
                    Ledger(unsteady), PLAN, *job, at=NOON + timedelta(seconds=10 * number + attempt)
                )
            except Unavailable:
                continue
            told.update([charge.sha256] if charge else [])
            return

    await asyncio.gather(*(settler(number, chance.randint(1, 3)) for number in range(chance.randint(1, 3))))
    unsteady.faults_left = 0
    await settler(9, patience=1)
    return stored, told, unsteady.answers_lost


async def test_a_completed_job_is_charged_exactly_once() -> None:
    lost_answers = 0
    for seed in range(SCHEDULES):
        stored, told, lost = await settled(seed, COMPLETED[seed % len(COMPLETED)])
        lost_answers += lost

        ledger = Ledger(stored)
        charges = [entry for entry in await ledger.entries("studio") if isinstance(entry, Charge)]
        assert await stored.names("charges/") == ["charges/studio/job"], seed
        assert [charge.amount for charge in charges] == [450_000], seed
        assert told == {charges[0].sha256}, seed
        assert await ledger.verify("studio") == [], seed
    assert lost_answers > SCHEDULES // 10


async def test_a_job_that_did_not_complete_is_never_charged() -> None:
    for seed in range(SCHEDULES // 3):
        stored, told, _ = await settled(seed, FREE[seed % len(FREE)])

        assert not told, seed
        assert await stored.names("") == [], seed


async def test_charges_named_by_anything_but_the_job_would_double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Charge, "key", property(lambda charge: f"{charge.account}/{charge.job}-{charge.at:%S}"))

    doubled = [seed for seed in range(100) if len(await (await settled(seed, COMPLETED[0]))[0].names("charges/")) > 1]

    assert doubled


@pytest.mark.parametrize(
    ("plan", "length", "amount"),
    [
        ("per-5-seconds", "cut", 900_000),
        ("per-5-seconds", "silence", 900_000),
        ("flat-then-per-second", "cut", 200_000),
        ("flat-then-per-second", "bounce", 200_000),
        ("flat-then-per-second", "silence", 300_000),
        ("free", "bounce", 0),
    ],
)
async def test_a_job_is_metered_by_what_its_plan_names(plan: str, length: str, amount: int) -> None:
    request = {"video": "upload:one", "audio": "upload:two", "parameters": {"length": length}}
    asked = submission(video_s=60.0, voice_s=30.0, request=request)

    charge = await charge_once(Ledger(MemoryDocuments()), PLANS[plan], asked, job_record(state="completed"), NOON)

    assert charge is not None
    assert charge.amount == amount
