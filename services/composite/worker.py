"""The composite worker: encodes segments, and joins them into the output when the last one is done."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.common import object_names
from services.common.lanes import finish_task
from services.common.messages import FinishTask, JobEvent, JobRecord, SegmentTask, Task
from services.common.ports import Bus, JobStore, MediaStore
from services.common.progress import all_segments_done, change, chunk_is_spent, complete, segment_done, with_timing

OnShare = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Steps:
    """The two halves of the stage, over the media store."""

    encode: Callable[[JobRecord, int, OnShare], Awaitable[None]]
    """Stores a job's segment, telling which share of it is done."""
    finish: Callable[[JobRecord], Awaitable[None]]
    """Stores the output and the report."""


class Compositing:
    """What segment and finish tasks do to their job. Doing one twice, even at the same time, does no harm."""

    def __init__(self, bus: Bus, media: MediaStore, jobs: JobStore, steps: Steps) -> None:
        self._bus, self._media, self._jobs, self._steps = bus, media, jobs, steps

    async def handle(self, task: Task, record: JobRecord) -> None:
        if isinstance(task, SegmentTask):
            await self._composite(task.segment, record)
        else:
            assert isinstance(task, FinishTask)
            await self._finish(record)

    async def _composite(self, index: int, record: JobRecord) -> None:
        started = time.perf_counter()
        if record.segments[index].status != "done" and not await self._media.exists(
            object_names.segment(record, index)
        ):
            await self._steps.encode(record, index, lambda share: self._announce(record, index, share))
        seconds = time.perf_counter() - started

        after = await change(self._jobs, record.id, lambda r: with_timing(segment_done(r, index), "composite", seconds))
        await self._drop_spent_faces(after, index - 1, index)
        await self._announce(after, index, 1.0)
        if all_segments_done(after):
            await self._bus.publish(finish_task(after))

    async def _finish(self, record: JobRecord) -> None:
        await self._steps.finish(record)
        await self._drop_spent_faces(record, max(record.segments))
        await complete(self._jobs, self._bus, record.id, object_names.output(record))

    async def _drop_spent_faces(self, record: JobRecord, *segments: int) -> None:
        for segment in segments:
            for chunk in record.segments[segment].chunks if segment in record.segments else ():
                if chunk_is_spent(record, chunk):
                    await self._media.delete(object_names.faces(record, chunk))

    async def _announce(self, record: JobRecord, segment: int, share: float) -> None:
        parts = len(record.segments) if record.preprocessed else None
        await self._bus.announce(
            JobEvent(job_id=record.id, state="processing", stage="composite", part=segment, done=share, parts=parts)
        )
