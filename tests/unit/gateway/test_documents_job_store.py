from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from port_suites.job_records import job_record
from port_suites.job_store import JobStoreSuite

from gateway.documents_job_store import DocumentsJobStore
from gateway.memory_documents import MemoryDocuments
from gateway.sqlite_documents import sqlite_documents


class TestDocumentsJobStoreInMemory(JobStoreSuite):
    @pytest.fixture
    def job_store(self) -> DocumentsJobStore:
        return DocumentsJobStore(MemoryDocuments())


class TestDocumentsJobStoreInAFile(JobStoreSuite):
    @pytest.fixture
    async def job_store(self, tmp_path: Path) -> AsyncIterator[DocumentsJobStore]:
        async with sqlite_documents(tmp_path / "lipstage.db") as documents:
            yield DocumentsJobStore(documents)


async def test_a_record_that_cannot_be_read_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    documents = MemoryDocuments()
    job_store = DocumentsJobStore(documents)
    await documents.create("jobs/damaged", b"\xff\xff")
    await job_store.create(job_record("two"))

    assert [record.id async for record, _ in job_store.records()] == ["two"]
    assert "the record jobs/damaged is passed over" in caplog.text


async def test_documents_of_other_kinds_are_no_jobs() -> None:
    documents = MemoryDocuments()
    await documents.create("submissions/account/job", b"{}")

    assert [entry async for entry in DocumentsJobStore(documents).records()] == []
