"""Repairs what crashes leave behind: work that nobody has, ends that nobody heard of, objects that nobody needs."""

import logging
import time
from collections.abc import Callable

from services.common import object_names
from services.common.errors import MessageUnreadable, ObjectMissing
from services.common.lanes import chunk_task, finish_task, preprocess_task, segment_task
from services.common.messages import JobRecord, Task
from services.common.ports import Bus, JobStore, MediaStore
from services.common.progress import all_segments_done, ready_segments, tell_end

log = logging.getLogger(__name__)

STALLED_S = 60.0


def lacking(record: JobRecord) -> list[Task]:
    """Every task that must be done before the job can go on. Publishing one that is queued already is harmless."""
    if record.ended:
        return []
    tasks: list[Task] = [] if record.preprocessed else [preprocess_task(record)]
    tasks += [chunk_task(record, chunk) for chunk in range(record.chunks) if chunk not in record.chunks_done]
    tasks += [segment_task(record, segment) for segment in ready_segments(record)]
    if all_segments_done(record):
        tasks.append(finish_task(record))
    return tasks


class Reconciler:
    """Looks at every job from time to time. Several may run at once.

    Time is taken from a monotonic clock and only compared with itself, so wrong clocks of other machines don't matter.
    """

    def __init__(
        self,
        bus: Bus,
        media: MediaStore,
        jobs: JobStore,
        stalled_s: float = STALLED_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus, self._media, self._jobs = bus, media, jobs
        self._stalled_s, self._clock_s = stalled_s, clock_s
        self._seen: dict[str, tuple[int, float]] = {}
        """Each unfinished job's revision and when it was first seen at it."""

    async def scan(self) -> None:
        """Raises Unavailable; the next scan then makes up for it."""
        unfinished, without_output = set(), set()
        async for record, revision in self._jobs.records():
            if record.ended:
                await tell_end(self._jobs, self._bus, record)
                if record.state != "completed":
                    without_output.add(record.id)
                continue
            unfinished.add(record.id)
            last, since_s = self._seen.get(record.id, (0, 0.0))
            if last != revision:
                since_s = self._clock_s()
            elif self._clock_s() - since_s >= self._stalled_s:
                await self._push(record)
                since_s = self._clock_s()
            self._seen[record.id] = revision, since_s
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if job_id in unfinished}
        await self._sweep_work()
        await self._sweep_outputs(without_output)

    async def _push(self, record: JobRecord) -> None:
        tasks = lacking(record)
        log.info("job %s has not moved: %d tasks are published again", record.id, len(tasks))
        for task in tasks:
            await self._bus.publish(task)

    async def _sweep_work(self) -> None:
        """Removes the stage outputs of jobs that have ended.

        A worker that was stopped for a while may still write after its job's end: each scan looks again.
        """
        async for folder in self._media.children(object_names.WORK):
            job_id = folder.removeprefix(object_names.WORK).rstrip("/")
            try:
                record, _ = await self._jobs.get(job_id)
            except MessageUnreadable:
                continue
            except ObjectMissing:
                await self._media.delete_folder(object_names.output_folder(job_id))
            else:
                if not record.ended:
                    continue
            await self._media.delete_folder(folder)

    async def _sweep_outputs(self, jobs: set[str]) -> None:
        """Removes what workers stored after these jobs had failed or been canceled."""
        if not jobs:
            return
        async for folder in self._media.children(object_names.OUTPUTS):
            if folder.removeprefix(object_names.OUTPUTS).rstrip("/") in jobs:
                await self._media.delete_folder(folder)
