"""Jobs are followed to their end by whoever looks after them next, whatever happened before."""

from pathlib import Path

import pytest
from port_suites.development import development, settled
from port_suites.hand_clock import HandClock
from port_suites.job_records import job_record
from port_suites.submissions import NOON, submission

from gateway.documents import Collection
from gateway.front import Ports, open_front
from gateway.keys import Keys
from gateway.memory_documents import MemoryDocuments
from gateway.slots import Slots
from gateway.submissions import OpenJob, Submission
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobError
from services.common.onnx_models import OnnxModels

JOB = f"{0:012x}7"


@pytest.mark.parametrize(
    ("before", "record"),
    [
        ({"queued_at": NOON}, {"state": "completed", "output": "out/job/c.mp4", "announced": True}),
        ({"canceled": True}, None),
        ({"error": JobError(code="url_unreachable", message="It cannot be reached.")}, None),
    ],
    ids=["told by a worker", "canceled before it had a record", "failed before it had a record"],
)
async def test_an_end_that_no_bus_remembers_is_settled(
    tmp_path: Path, before: dict[str, object], record: dict[str, object] | None
) -> None:
    """As when the process that has everything in it ends between a job's end and its settling."""
    documents, jobs, clock = MemoryDocuments(), MemoryJobStore(), HandClock()
    await Collection(documents, "submissions", Submission).create(f"studio/{JOB}", submission(JOB, **before))
    await Collection(documents, "open", OpenJob).create(JOB, OpenJob(account="studio", id=JOB))
    await Keys(documents, clock).create_account("Acme", lambda account: account.model_copy(update={"id": "studio"}))
    assert await Slots(documents).take("studio", JOB, 1)
    if record:
        await jobs.create(job_record(JOB, **record))

    ports = Ports(documents, MemoryBus(), jobs, FolderMediaStore(tmp_path), OnnxModels(tmp_path, 1))
    async with open_front(ports, development(), clock):
        await settled(documents)

    assert (await Collection(documents, "submissions", Submission).get(f"studio/{JOB}")).ended_at == clock()
    assert len(await documents.names("charges/")) == (record is not None)
    assert await Slots(documents).take("studio", "next", 1)
