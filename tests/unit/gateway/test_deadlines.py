"""A job ends at the times its caller set, wherever it is then, and whoever follows it."""

import asyncio
from pathlib import Path

import pytest
from port_suites.development import development, settled
from port_suites.hand_clock import HandClock
from port_suites.job_records import job_record
from port_suites.submissions import submission

from gateway.accounts import Account, Caller
from gateway.deadlines import Deadlines
from gateway.documents import Collection
from gateway.ending import Ending
from gateway.front import Ports, open_front
from gateway.job_views import job_view
from gateway.links import OwnLinks
from gateway.memory_documents import MemoryDocuments
from gateway.settling import Settling
from gateway.slots import Slots
from gateway.submissions import JobRequest, OpenJob, Submission
from gateway.webhooks.outbox import Outbox
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobError
from services.common.onnx_models import OnnxModels

LINKS = OwnLinks("http://gateway.test", b"secret")
ASKED = {"video": "upload:one", "audio": "upload:two", "webhook": {"url": "https://example.com/done"}}


class Job:
    """One that was asked for `age_s` ago."""

    def __init__(self, age_s: float, **asked: float) -> None:
        self.clock, self.documents, self.jobs = HandClock(), MemoryDocuments(), MemoryJobStore()
        request = JobRequest.model_validate(ASKED | asked)
        self.submission = submission(request=request, created_at=self.clock(), video=None, audio=None)
        self.clock.advance(age_s)

    async def stored(self, *, begun: bool) -> "Job":
        if begun:
            self.submission = self.submission.model_copy(update={"queued_at": self.clock()})
            await self.jobs.create(job_record(self.submission.id, state="processing", output=None))
        await Collection(self.documents, "submissions", Submission).create("studio/job", self.submission)
        await Collection(self.documents, "open", OpenJob).create("job", OpenJob(account="studio", id="job"))
        return self

    async def kept(self) -> tuple[str, str | None, list[str]]:
        """The state after its deadlines were kept, why, and what is to be told."""
        ending = Ending(self.documents, MemoryBus(), self.jobs)
        settling = Settling(self.documents, self.jobs, Outbox(self.documents, self.clock), LINKS, "", self.clock)
        await Deadlines(self.documents, ending, settling, self.clock).keep("studio", "job")
        newest = await Collection(self.documents, "submissions", Submission).get("studio/job")
        record = (await self.jobs.get("job"))[0] if newest.queued_at else None
        view = job_view(newest, record, None, LINKS, self.clock())
        return view.state, view.error.code if view.error else None, await self.documents.names("outbox/")


async def test_a_job_that_has_not_ended_in_time_is_canceled() -> None:
    job = await Job(91, cancel_after_s=90).stored(begun=True)

    assert await job.kept() == ("canceled", None, ["outbox/job-canceled"])
    assert await job.documents.names("open/") == []


async def test_a_job_that_has_not_begun_in_time_fails_without_waiting_for_its_turn() -> None:
    job = await Job(3, start_within_s=2.5).stored(begun=False)

    assert await job.kept() == ("failed", "start_timeout", ["outbox/job-failed"])


async def test_a_job_that_has_begun_goes_on_past_its_start() -> None:
    job = await Job(3, start_within_s=2.5).stored(begun=True)

    assert await job.kept() == ("processing", None, [])


@pytest.mark.parametrize(("start_s", "end_s", "state"), [(1, 2, "failed"), (2, 1, "canceled")])
async def test_of_two_deadlines_the_earlier_one_counts(start_s: float, end_s: float, state: str) -> None:
    job = await Job(9, start_within_s=start_s, cancel_after_s=end_s).stored(begun=False)

    assert (await job.kept())[0] == state


@pytest.mark.parametrize("deadline", ["start_within_s", "cancel_after_s"])
async def test_nothing_happens_before(deadline: str) -> None:
    job = await Job(80, **{deadline: 90}).stored(begun=False)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(job.kept(), 0.05)

    assert await Collection(job.documents, "submissions", Submission).get("studio/job") == job.submission


async def test_a_deadline_outlives_the_gateway(tmp_path: Path) -> None:
    """Its only place is taken all the while, so the job never begins."""
    documents, clock, settings = MemoryDocuments(), HandClock(), development()
    ports = Ports(documents, MemoryBus(), MemoryJobStore(), FolderMediaStore(tmp_path), OnnxModels(tmp_path, 1))
    async with open_front(ports, settings, clock) as front:
        account = await front.keys.create_account("Acme", with_one_place)
        assert await Slots(documents).take(account.id, "another", 1)
        key, _ = await front.keys.create_key(account.id, "test")
        caller = Caller(account=account, key=key)
        request = JobRequest(video="upload:one", audio="upload:two", cancel_after_s=90)
        job = (await front.jobs.create(caller, request)).id

    clock.advance(91)
    async with open_front(ports, settings, clock) as front:
        await settled(documents)
        ended = await front.jobs.get(caller, job)

    assert (ended.state, ended.ended_at) == ("canceled", clock())


async def test_stages_that_got_a_job_too_late_are_stopped(tmp_path: Path) -> None:
    """As when a gateway dies between creating the record and looking whether the job is still wanted."""
    documents, jobs, clock = MemoryDocuments(), MemoryJobStore(), HandClock()
    name = f"{0:012x}7"
    late = submission(name, error=JobError(code="start_timeout", message="Too late."))
    await Collection(documents, "submissions", Submission).create(f"studio/{name}", late)
    await Collection(documents, "open", OpenJob).create(name, OpenJob(account="studio", id=name))
    await jobs.create(job_record(name, state="processing", output=None))

    ports = Ports(documents, MemoryBus(), jobs, FolderMediaStore(tmp_path), OnnxModels(tmp_path, 1))
    async with open_front(ports, development(), clock) as front:
        await Collection(documents, "accounts", Account).create(
            "studio", (await front.keys.create_account("studio")).model_copy(update={"id": "studio"})
        )
        await settled(documents)

    record, _ = await jobs.get(name)
    assert record.state == "canceled"
    ended = await Collection(documents, "submissions", Submission).get(f"studio/{name}")
    assert job_view(ended, record, None, LINKS, clock()).state == "failed"


def with_one_place(account: Account) -> Account:
    return account.model_copy(update={"limits": account.limits.model_copy(update={"running_jobs": 1})})
