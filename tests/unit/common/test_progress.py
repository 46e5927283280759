"""Changes of a job's record, and what each makes ready."""

from collections.abc import Callable

import pytest
from port_suites.job_records import job_record

from services.common.errors import NoFace, Superseded
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobError, JobEvent, JobRecord, JobState, SegmentState
from services.common.progress import (
    all_segments_done,
    change,
    chunk_done,
    chunk_found,
    chunk_is_spent,
    claim,
    fail,
    ready_segments,
    segment_done,
    segment_planned,
    tell_end,
    under_claim,
    with_timing,
)


class ContendedJobStore(MemoryJobStore):
    """Between our reading and our writing, each of the rivals gets its change in."""

    def __init__(self, *rivals: Callable[[JobRecord], JobRecord]) -> None:
        super().__init__()
        self._rivals = list(rivals)

    async def update(self, record: JobRecord, revision: int) -> int:
        if self._rivals:
            rival = self._rivals.pop(0)
            newest, at = await self.get(record.id)
            await super().update(rival(newest), at)
        return await super().update(record, revision)


async def test_a_change_is_applied_on_top_of_every_rival() -> None:
    jobs = ContendedJobStore(lambda r: chunk_done(r, 1), lambda r: chunk_done(r, 2))
    await jobs.create(job_record())

    after = await change(jobs, "job", lambda r: chunk_done(r, 0))

    assert after.chunks_done == {0, 1, 2}
    assert (await jobs.get("job"))[0] == after


async def test_who_changes_a_job_that_has_ended_learns_of_the_end_and_changes_nothing() -> None:
    jobs = MemoryJobStore()
    await jobs.create(job_record(state="canceled"))

    after = await change(jobs, "job", lambda r: chunk_done(r, 0))

    assert after == job_record(state="canceled") == (await jobs.get("job"))[0]


async def test_a_worker_whose_claim_was_taken_over_writes_no_more() -> None:
    jobs = MemoryJobStore()
    await jobs.create(job_record())
    first = await claim(jobs, "job")
    second = await claim(jobs, "job")

    await change(jobs, "job", under_claim(second.epoch, lambda r: chunk_done(r, 1)))
    with pytest.raises(Superseded):
        await change(jobs, "job", under_claim(first.epoch, lambda r: chunk_done(r, 0)))

    assert (await jobs.get("job"))[0].chunks_done == {1}


async def test_an_edit_that_fails_writes_nothing() -> None:
    jobs = MemoryJobStore()
    await jobs.create(job_record())

    with pytest.raises(KeyError):
        await change(jobs, "job", lambda r: segment_done(r, 0))

    assert (await jobs.get("job"))[0] == job_record()


def test_chunks_found_in_any_order_are_counted() -> None:
    record = job_record()
    for chunk in (0, 2, 1):
        record = chunk_found(record, chunk, already_done=chunk == 1)

    assert record.chunks == 3
    assert record.chunks_done == {1}


def test_a_segment_waits_for_its_last_chunk() -> None:
    planned = segment_planned(job_record(), 0, (0, 1))
    first = chunk_done(planned, 1)
    last = chunk_done(first, 0)

    assert ready_segments(first, 1) == []
    assert ready_segments(last, 0) == [0]
    assert ready_segments(last, 7) == []


def test_one_chunk_may_complete_two_segments() -> None:
    planned = segment_planned(segment_planned(job_record(), 0, (0,)), 1, (0,))

    assert ready_segments(chunk_done(planned, 0), 0) == [0, 1]


@pytest.mark.parametrize("chunks", [(), (0,), (0, 3)], ids=["no faces", "one chunk", "two chunks"])
def test_a_segment_planned_after_its_chunks_is_ready_at_once(chunks: tuple[int, ...]) -> None:
    before = job_record(chunks_done=frozenset({0, 3}))

    assert ready_segments(segment_planned(before, 5, chunks)) == [5]


def test_a_segment_that_is_done_never_becomes_ready_again() -> None:
    ready = segment_planned(job_record(), 0, ())
    done = segment_done(ready, 0)
    later = chunk_done(done, 4)

    assert later.segments[0].status == "done"
    assert ready_segments(later) == []


def test_planning_a_segment_again_keeps_what_became_of_it() -> None:
    done = segment_done(segment_planned(job_record(), 0, ()), 0)

    assert segment_planned(done, 0, ()) == done


def test_all_is_done_only_when_no_segment_can_come_any_more() -> None:
    done = segment_done(segment_planned(job_record(), 0, ()), 0)
    open_end = segment_planned(done, 1, (9,)).model_copy(update={"preprocessed": True})

    assert not all_segments_done(done)
    assert all_segments_done(done.model_copy(update={"preprocessed": True}))
    assert not all_segments_done(open_end)


DONE, READY = "done", "ready"


@pytest.mark.parametrize(
    ("segments", "preprocessed", "spent"),
    [
        ({}, False, False),
        ({0: ((1,), DONE)}, True, False),
        ({0: ((0,), READY)}, True, False),
        ({0: ((0,), DONE)}, False, False),
        ({0: ((0,), DONE)}, True, True),
        ({0: ((0,), DONE), 1: ((0, 1), READY)}, True, False),
        ({0: ((0,), DONE), 1: ((0, 1), DONE)}, False, False),
        ({0: ((0,), DONE), 1: ((0, 1), DONE), 2: ((1,), READY)}, False, True),
        ({0: ((0,), READY), 1: ((0, 1), DONE)}, True, False),
        ({0: ((0,), DONE), 1: ((1,), READY)}, False, True),
    ],
    ids=[
        "no segment is planned",
        "nobody uses it",
        "its segment is being encoded",
        "the next segment may still need it",
        "its segment was the last",
        "the next segment needs it",
        "both segments are done, and a third may need it",
        "both segments are done, and the third does not need it",
        "the later segment was faster",
        "the next segment does not need it",
    ],
)
def test_a_chunk_is_spent_when_no_segment_will_need_it(
    segments: dict[int, tuple[tuple[int, ...], str]], preprocessed: bool, spent: bool
) -> None:
    states = {index: {"chunks": chunks, "status": status} for index, (chunks, status) in segments.items()}
    record = job_record(segments=states, preprocessed=preprocessed)

    assert chunk_is_spent(record, 0) is spent


def test_seconds_add_up_by_stage() -> None:
    record = with_timing(with_timing(with_timing(job_record(), "denoise", 1.5), "composite", 4.0), "denoise", 2.0)

    assert record.timings_s == {"denoise": 3.5, "composite": 4.0}


async def test_a_failure_ends_the_job_and_is_told_once() -> None:
    jobs, bus = MemoryJobStore(), MemoryBus()
    await jobs.create(job_record())

    async with bus.events("job") as events:
        await fail(jobs, bus, "job", NoFace("Nobody is seen."))
        await fail(jobs, bus, "job", NoFace("Nobody is seen in another chunk."))
        told = [event async for event in events]

    record, _ = await jobs.get("job")
    assert (record.state, record.error) == ("failed", JobError(code="no_face", message="Nobody is seen."))
    assert record.announced
    assert told == [JobEvent(job_id="job", state="failed")]


async def test_an_end_that_was_recorded_but_not_told_is_told_later() -> None:
    jobs, bus = MemoryJobStore(), MemoryBus()
    await jobs.create(job_record(state="completed", output="out/job/c.mp4"))

    await tell_end(jobs, bus, (await jobs.get("job"))[0])

    async with bus.events("job") as events:
        assert [event async for event in events] == [JobEvent(job_id="job", state="completed")]
    assert (await jobs.get("job"))[0].announced


@pytest.mark.parametrize("state", ["completed", "canceled"])
async def test_a_failure_after_the_end_changes_nothing(state: JobState) -> None:
    jobs = MemoryJobStore()
    ended = job_record(state=state, announced=True, segments={0: SegmentState(chunks=())})
    await jobs.create(ended)

    await fail(jobs, MemoryBus(), "job", NoFace("Nobody is seen."))

    assert (await jobs.get("job"))[0] == ended
