"""Changes of a job's record: each is one compare-and-set, and tells what it made ready."""

from collections.abc import Callable

from services.common.errors import LipstageError, StaleRecord
from services.common.messages import JobError, JobEvent, JobRecord, SegmentState
from services.common.ports import Bus, JobStore


async def change(jobs: JobStore, job_id: str, edit: Callable[[JobRecord], JobRecord]) -> tuple[JobRecord, JobRecord]:
    """Applies `edit` to the newest record until no other writer interferes. Returns the record before and after."""
    while True:
        before, revision = await jobs.get(job_id)
        after = edit(before)
        try:
            await jobs.update(after, revision)
        except StaleRecord:
            continue
        return before, after


def chunk_found(record: JobRecord, chunk: int, already_done: bool) -> JobRecord:
    """Preprocess has written chunk `chunk`; `already_done` when everything made from it is stored from before."""
    done = record.chunks_done | {chunk} if already_done else record.chunks_done
    return record.model_copy(update={"chunks": max(record.chunks, chunk + 1), "chunks_done": done})


def chunk_done(record: JobRecord, chunk: int) -> JobRecord:
    """Marks a chunk's faces as stored; segments that waited only for it become ready."""
    return _ready(record.model_copy(update={"chunks_done": record.chunks_done | {chunk}}))


def segment_planned(record: JobRecord, segment: int, chunks: tuple[int, ...]) -> JobRecord:
    """Preprocess has passed the end of a segment, so the chunks it needs are known."""
    segments = {**record.segments, segment: SegmentState(chunks=chunks)}
    return _ready(record.model_copy(update={"segments": segments}))


def segment_done(record: JobRecord, segment: int) -> JobRecord:
    done = record.segments[segment].model_copy(update={"status": "done"})
    return record.model_copy(update={"segments": {**record.segments, segment: done}})


def newly_ready(before: JobRecord, after: JobRecord) -> list[int]:
    """Segments that this very change made ready: whoever made the change publishes them, so exactly one does."""
    return [
        index
        for index, segment in after.segments.items()
        if segment.status == "ready" and (index not in before.segments or before.segments[index].status == "waiting")
    ]


def all_segments_done(record: JobRecord) -> bool:
    return record.preprocessed and all(segment.status == "done" for segment in record.segments.values())


def chunk_is_spent(record: JobRecord, chunk: int) -> bool:
    """True when no segment will need the chunk's faces any more.

    A chunk may reach over a segment's end, so its users are all known only once the segment after them is planned.
    """
    users = [index for index, segment in record.segments.items() if chunk in segment.chunks]
    if not users or not (record.preprocessed or max(users) + 1 in record.segments):
        return False
    return all(record.segments[index].status == "done" for index in users)


async def fail(jobs: JobStore, bus: Bus, job_id: str, error: LipstageError) -> None:
    """Ends the job with the error's code, unless it has ended already."""
    told = JobError(code=error.code, message=str(error))

    def edit(record: JobRecord) -> JobRecord:
        return record if record.ended else record.model_copy(update={"state": "failed", "error": told})

    before, after = await change(jobs, job_id, edit)
    if not before.ended:
        await bus.announce(JobEvent(job_id=job_id, state=after.state))


def with_timing(record: JobRecord, stage: str, seconds: float) -> JobRecord:
    """Adds seconds spent in a stage."""
    timings = {**record.timings_s, stage: record.timings_s.get(stage, 0.0) + seconds}
    return record.model_copy(update={"timings_s": timings})


def _ready(record: JobRecord) -> JobRecord:
    segments = {
        index: segment.model_copy(update={"status": "ready"})
        if segment.status == "waiting" and record.chunks_done.issuperset(segment.chunks)
        else segment
        for index, segment in record.segments.items()
    }
    return record.model_copy(update={"segments": segments})
