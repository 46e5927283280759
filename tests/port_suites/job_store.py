"""What every adapter of the JobStore port does. An adapter's test derives from JobStoreSuite.

It gives the fixture `job_store`, an empty store.
"""

import asyncio

import pytest
from port_suites.job_records import job_record

from services.common.errors import ObjectMissing, StaleRecord
from services.common.messages import DubParameters, JobError, JobRecord, SegmentState, Span
from services.common.ports import JobStore


class JobStoreSuite:
    async def test_a_record_comes_back_as_it_was_created(self, job_store: JobStore) -> None:
        record = job_record(
            parameters=DubParameters(
                segments=(Span(start_s=0.5, end_s=2.0),), guidance_interval=(0.2, 0.9), speaker="track:2"
            ),
            state="failed",
            error=JobError(code="no_face", message="“clip 日本.mp4” shows no face."),
            chunks=3,
            chunks_done=frozenset({0, 2}),
            segments={0: SegmentState(chunks=(0, 1), status="ready"), 11: SegmentState(chunks=())},
            timings_s={"denoise": 1.25},
            outcomes={"dubbed": 40},
        )
        await job_store.create(record)

        stored, _ = await job_store.get("job")

        assert stored == record

    async def test_a_job_is_created_once(self, job_store: JobStore) -> None:
        await job_store.create(job_record())

        with pytest.raises(StaleRecord):
            await job_store.create(job_record(chunks=5))

        stored, _ = await job_store.get("job")
        assert stored.chunks == 0

    async def test_an_unknown_job_is_missing(self, job_store: JobStore) -> None:
        await job_store.create(job_record("another"))

        with pytest.raises(ObjectMissing):
            await job_store.get("job")

    async def test_jobs_are_kept_apart(self, job_store: JobStore) -> None:
        await job_store.create(job_record("one"))
        await job_store.create(job_record("two"))
        _, revision = await job_store.get("one")
        await job_store.update(job_record("one", chunks=9), revision)

        two, _ = await job_store.get("two")

        assert two == job_record("two")

    async def test_an_update_is_seen_under_the_revision_it_returned(self, job_store: JobStore) -> None:
        await job_store.create(job_record())
        _, revision = await job_store.get("job")

        returned = await job_store.update(job_record(chunks=1), revision)

        assert await job_store.get("job") == (job_record(chunks=1), returned)
        assert returned != revision

    async def test_a_returned_revision_serves_the_next_update(self, job_store: JobStore) -> None:
        await job_store.create(job_record())
        _, revision = await job_store.get("job")
        for chunks in (1, 2, 3):
            revision = await job_store.update(job_record(chunks=chunks), revision)

        stored, _ = await job_store.get("job")

        assert stored.chunks == 3

    async def test_who_comes_second_is_refused_and_changes_nothing(self, job_store: JobStore) -> None:
        await job_store.create(job_record())
        _, revision = await job_store.get("job")
        await job_store.update(job_record(chunks=1), revision)

        with pytest.raises(StaleRecord):
            await job_store.update(job_record(chunks=2), revision)

        stored, _ = await job_store.get("job")
        assert stored.chunks == 1

    async def test_of_many_writers_at_once_one_wins(self, job_store: JobStore) -> None:
        await job_store.create(job_record())
        _, revision = await job_store.get("job")
        writers = [job_record(chunks=chunks) for chunks in range(1, 9)]

        answers = await asyncio.gather(*(job_store.update(w, revision) for w in writers), return_exceptions=True)

        refused = [isinstance(answer, StaleRecord) for answer in answers]
        assert refused.count(False) == 1
        assert await self._stored(job_store) == writers[refused.index(False)]

    async def test_every_jobs_newest_record_is_listed_under_its_revision(self, job_store: JobStore) -> None:
        for job_id in ("one", "two", "three"):
            await job_store.create(job_record(job_id))
        _, revision = await job_store.get("two")
        await job_store.update(job_record("two", chunks=5), revision)

        listed = {record.id: (record, revision) async for record, revision in job_store.records()}

        assert listed == {job_id: await job_store.get(job_id) for job_id in ("one", "two", "three")}
        assert listed["two"][0].chunks == 5

    async def test_an_empty_store_lists_nothing(self, job_store: JobStore) -> None:
        assert [entry async for entry in job_store.records()] == []

    async def test_jobs_may_change_while_they_are_listed(self, job_store: JobStore) -> None:
        for job_id in ("one", "two"):
            await job_store.create(job_record(job_id))

        async for record, revision in job_store.records():
            await job_store.update(record.model_copy(update={"chunks": 9}), revision)

        assert {record.chunks async for record, _ in job_store.records()} == {9}

    @staticmethod
    async def _stored(job_store: JobStore) -> JobRecord:
        record, _ = await job_store.get("job")
        return record
