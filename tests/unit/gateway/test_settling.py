"""A job's end is settled once, wherever a gateway dies on the way and however many settle it at the same time."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from port_suites.hand_clock import HandClock
from port_suites.job_records import job_record
from port_suites.submissions import submission
from port_suites.unsteady_documents import UnsteadyDocuments

from gateway.billing.ledger import Ledger
from gateway.documents import Collection, Documents
from gateway.links import OwnLinks
from gateway.memory_documents import MemoryDocuments
from gateway.settling import Settling
from gateway.slots import Slots
from gateway.submissions import OpenJob, Submission
from gateway.webhooks.outbox import Outbox
from services.common.errors import Unavailable
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobState

SCHEDULES = 400
LINKS = OwnLinks("http://gateway.test", b"secret")


class WrittenDocuments(MemoryDocuments):
    """Remembers in which order they were written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    async def create(self, name: str, value: bytes) -> int:
        self.written.append(name)
        return await super().create(name, value)

    async def update(self, name: str, value: bytes, revision: int) -> int:
        self.written.append(name)
        return await super().update(name, value, revision)


async def begun(documents: Documents, state: JobState, events: Sequence[str] = ("ended",)) -> MemoryJobStore:
    """A job with a webhook and a place, that the stages are done with."""
    asked = submission(canceled=state == "canceled")
    webhook = {
        "video": "upload:one",
        "audio": "upload:two",
        "webhook": {"url": "https://example.com/done", "events": events},
    }
    asked = asked.model_copy(update={"request": type(asked.request).model_validate(webhook)})
    await Collection(documents, "submissions", Submission).create(f"{asked.account}/{asked.id}", asked)
    await Collection(documents, "open", OpenJob).create(asked.id, OpenJob(account=asked.account, id=asked.id))
    assert await Slots(documents).take(asked.account, asked.id, 1)
    jobs = MemoryJobStore()
    output = "out/job/c.mp4" if state == "completed" else None
    await jobs.create(job_record(asked.id, state=state, output=output))
    return jobs


def settling(documents: Documents, jobs: MemoryJobStore, clock: HandClock) -> Settling:
    return Settling(documents, jobs, Outbox(documents, clock), LINKS, "http://gateway.test", clock)


async def until_settled(settling: Settling) -> None:
    while True:
        try:
            assert await settling.settle("studio", "job")
        except Unavailable:
            continue
        return


@pytest.mark.parametrize("state", ["completed", "failed", "canceled"])
async def test_every_end_is_settled_once_whatever_is_cut_off(state: JobState) -> None:
    lost = 0
    for seed in range(SCHEDULES):
        chance, clock, documents = Random(seed), HandClock(), MemoryDocuments()
        jobs = await begun(documents, state)
        unsteady = UnsteadyDocuments(documents, chance, faults=chance.randint(0, 6))

        rivals = [settling(unsteady, jobs, clock) for _ in range(chance.randint(1, 3))]
        await asyncio.gather(*map(until_settled, rivals))

        charges = await Ledger(documents).entries("studio")
        assert len(charges) == (state == "completed"), seed
        assert await documents.names("outbox/") == [f"outbox/job-{state}"], seed
        assert await Slots(documents).take("studio", "next", 1), seed
        assert await documents.names("open/") == [], seed
        lost += unsteady.answers_lost
    assert lost > SCHEDULES / 4


@pytest.mark.parametrize(
    ("state", "told"), [("processing", ["outbox/job-started"]), ("canceled", [])], ids=["begun", "over already"]
)
async def test_a_start_is_told_once_and_not_after_the_end(state: JobState, told: list[str]) -> None:
    documents = MemoryDocuments()
    jobs = await begun(documents, state, events=["started", "ended"])
    submission = await Collection(documents, "submissions", Submission).get("studio/job")

    for _ in range(2):
        await settling(documents, jobs, HandClock()).tell_start(submission)

    assert await documents.names("outbox/") == told


async def test_a_job_is_told_of_before_it_may_be_removed() -> None:
    documents = WrittenDocuments()
    jobs = await begun(documents, "completed")
    documents.written.clear()

    assert await settling(documents, jobs, HandClock()).settle("studio", "job")

    assert documents.written.index("outbox/job-completed") < documents.written.index("submissions/studio/job")


async def test_an_end_that_is_not_wanted_is_not_told() -> None:
    documents = MemoryDocuments()
    jobs = await begun(documents, "canceled", events=["started"])

    assert await settling(documents, jobs, HandClock()).settle("studio", "job")

    assert await documents.names("outbox/") == []


async def test_a_job_that_goes_on_is_not_settled() -> None:
    documents = MemoryDocuments()
    jobs = await begun(documents, "processing")

    assert not await settling(documents, jobs, HandClock()).settle("studio", "job")

    assert await documents.names("open/") == ["open/job"]
