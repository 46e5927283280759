"""Changes of a job's record: each is one compare-and-set, applied only while the job has not ended."""

from collections.abc import Callable

from services.common.errors import LipstageError, ObjectMissing, StaleRecord, Superseded
from services.common.messages import JobError, JobEvent, JobRecord, JobState, SegmentState
from services.common.ports import Bus, JobStore

Edit = Callable[[JobRecord], JobRecord]


async def find(jobs: JobStore, job_id: str) -> JobRecord | None:
    """The job's record, if it has one. Raises Unavailable."""
    try:
        record, _ = await jobs.get(job_id)
    except ObjectMissing:
        return None
    return record


async def change(jobs: JobStore, job_id: str, edit: Edit) -> JobRecord:
    """Applies `edit` to the newest record until no other writer interferes; a job that has ended stays as it is.

    Returns the record as it is now. Raises ObjectMissing, Unavailable and what `edit` raises.
    """
    return await _replace(jobs, job_id, lambda record: record if record.ended else edit(record))


async def claim(jobs: JobStore, job_id: str) -> JobRecord:
    """Makes the caller the one worker that may preprocess the job: earlier claims are void from now on."""
    return await change(jobs, job_id, lambda record: record.model_copy(update={"epoch": record.epoch + 1}))


def under_claim(epoch: int, edit: Edit) -> Edit:
    """`edit`, but raising Superseded once another worker has claimed the job."""

    def fenced(record: JobRecord) -> JobRecord:
        if record.epoch != epoch:
            raise Superseded(f"Job {record.id} was claimed by another worker.", job_id=record.id)
        return edit(record)

    return fenced


def chunk_found(record: JobRecord, chunk: int, already_done: bool) -> JobRecord:
    """Preprocess has written chunk `chunk`; `already_done` when everything made from it is stored from before."""
    done = record.chunks_done | {chunk} if already_done else record.chunks_done
    return record.model_copy(update={"chunks": max(record.chunks, chunk + 1), "chunks_done": done})


def chunk_done(record: JobRecord, chunk: int) -> JobRecord:
    """Marks a chunk's faces as stored; segments that waited only for it become ready."""
    return _ready(record.model_copy(update={"chunks_done": record.chunks_done | {chunk}}))


def segment_planned(record: JobRecord, segment: int, chunks: tuple[int, ...]) -> JobRecord:
    """Preprocess has passed the end of a segment, so the chunks it needs are known."""
    if segment in record.segments:  # by an earlier run over the same video
        return record
    segments = {**record.segments, segment: SegmentState(chunks=chunks)}
    return _ready(record.model_copy(update={"segments": segments}))


def segment_done(record: JobRecord, segment: int) -> JobRecord:
    done = record.segments[segment].model_copy(update={"status": "done"})
    return record.model_copy(update={"segments": {**record.segments, segment: done}})


def ready_segments(record: JobRecord, chunk: int | None = None) -> list[int]:
    """Segments that can be encoded now and are not yet: all of them, or those that show `chunk`."""
    return [
        index
        for index, segment in record.segments.items()
        if segment.status == "ready" and (chunk is None or chunk in segment.chunks)
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


async def complete(jobs: JobStore, bus: Bus, job_id: str, output: str) -> JobRecord:
    return await _end(jobs, bus, job_id, "completed", output=output)


async def cancel(jobs: JobStore, bus: Bus, job_id: str) -> JobRecord:
    """Ends the job unless it has ended already; workers stop within seconds."""
    return await _end(jobs, bus, job_id, "canceled")


async def fail(jobs: JobStore, bus: Bus, job_id: str, error: LipstageError) -> JobRecord:
    """Ends the job with the error's code, unless it has ended already."""
    return await _end(jobs, bus, job_id, "failed", error=JobError(code=error.code, message=str(error)))


async def tell_end(jobs: JobStore, bus: Bus, record: JobRecord) -> None:
    """Announces the end of a job that has ended, unless that is done."""
    if record.announced:
        return
    await bus.announce(JobEvent(job_id=record.id, state=record.state))
    await _replace(jobs, record.id, lambda newest: newest.model_copy(update={"announced": True}))


def with_timing(record: JobRecord, stage: str, seconds: float) -> JobRecord:
    """Adds seconds spent in a stage."""
    timings = {**record.timings_s, stage: record.timings_s.get(stage, 0.0) + seconds}
    return record.model_copy(update={"timings_s": timings})


def with_retry(record: JobRecord, reason: str) -> JobRecord:
    """Counts a task that has to be tried again; `reason` is the code of an error."""
    return record.model_copy(update={"retries": {**record.retries, reason: record.retries.get(reason, 0) + 1}})


def _ready(record: JobRecord) -> JobRecord:
    segments = {
        index: segment.model_copy(update={"status": "ready"})
        if segment.status == "waiting" and record.chunks_done.issuperset(segment.chunks)
        else segment
        for index, segment in record.segments.items()
    }
    return record.model_copy(update={"segments": segments})


async def _end(jobs: JobStore, bus: Bus, job_id: str, state: JobState, **fields: object) -> JobRecord:
    ended = await change(jobs, job_id, lambda record: record.model_copy(update={"state": state, **fields}))
    await tell_end(jobs, bus, ended)
    return ended


async def _replace(jobs: JobStore, job_id: str, edit: Edit) -> JobRecord:
    while True:
        before, revision = await jobs.get(job_id)
        after = edit(before)
        if after == before:
            return before
        try:
            await jobs.update(after, revision)
        except StaleRecord:
            continue
        return after
