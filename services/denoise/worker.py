"""The denoise worker: turns stored chunks into stored faces and publishes the segments that become complete."""

import time
from collections.abc import Awaitable, Callable

from services.common import metrics, object_names
from services.common.chunk_files import dump_faces, load_chunk
from services.common.lanes import segment_task
from services.common.messages import ChunkTask, JobEvent, JobRecord, Task
from services.common.ports import Bus, JobStore, MediaStore, Models
from services.common.progress import change, chunk_done, chunk_is_spent, ready_segments, with_timing
from services.denoise.noise import SeededNoise
from services.denoise.stage import denoise

AfterStep = Callable[[float], Awaitable[None]]
DrawFaces = Callable[[JobRecord, int, AfterStep], Awaitable[bytes]]
"""Makes the faces file of a job's chunk, telling after each step which share of the work is done."""


class Denoising:
    """What a chunk task does to its job. Doing it twice, even at the same time, does no harm."""

    def __init__(self, bus: Bus, media: MediaStore, jobs: JobStore, draw_faces: DrawFaces) -> None:
        self._bus, self._media, self._jobs, self._draw_faces = bus, media, jobs, draw_faces

    async def handle(self, task: Task, record: JobRecord) -> None:
        assert isinstance(task, ChunkTask)
        started = time.perf_counter()
        if task.chunk not in record.chunks_done:
            await self._store_faces(record, task.chunk)
        seconds = time.perf_counter() - started

        after = await change(
            self._jobs, record.id, lambda r: with_timing(chunk_done(r, task.chunk), "denoise", seconds)
        )
        await self._media.delete(object_names.chunk(record, task.chunk))
        if after.ended or chunk_is_spent(after, task.chunk):  # this was a second time
            await self._media.delete(object_names.faces(record, task.chunk))
        await self._announce(record.id, task.chunk, 1.0, after.chunks if after.preprocessed else None)
        for segment in ready_segments(after, task.chunk):
            await self._bus.publish(segment_task(after, segment))

    async def _store_faces(self, record: JobRecord, chunk: int) -> None:
        name = object_names.faces(record, chunk)
        if await self._media.exists(name):
            return
        steps = _StepClock()

        async def after_step(share: float) -> None:
            steps.tick()
            await self._announce(record.id, chunk, share, None)

        await self._media.put(name, await self._draw_faces(record, chunk, after_step))

    async def _announce(self, job_id: str, chunk: int, share: float, chunks: int | None) -> None:
        event = JobEvent(job_id=job_id, state="processing", stage="denoise", part=chunk, done=share, parts=chunks)
        await self._bus.announce(event)


def drawn_faces(media: MediaStore, models: Models) -> DrawFaces:
    """The denoise stage over the media store and the networks."""

    async def draw(record: JobRecord, index: int, after_step: AfterStep) -> bytes:
        async with media.local(object_names.chunk(record, index)) as path:
            chunk = load_chunk(path)
        return dump_faces(
            await denoise(chunk, record.parameters, models, SeededNoise(record.parameters.seed), after_step)
        )

    return draw


class _StepClock:
    """Measures the time between steps."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def tick(self) -> None:
        now = time.perf_counter()
        metrics.STEP_S.observe(now - self._last)
        self._last = now
