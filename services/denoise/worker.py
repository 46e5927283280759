"""The denoise worker: turns stored chunks into stored faces and publishes the segments that become complete."""

import time

from services.common import object_names
from services.common.chunk_files import dump_faces, load_chunk
from services.common.messages import ChunkTask, JobEvent, JobRecord, SegmentTask, Task
from services.common.ports import Bus, JobStore, MediaStore, Models
from services.common.progress import change, chunk_done, newly_ready, with_timing
from services.common.worker import work
from services.denoise.noise import SeededNoise
from services.denoise.stage import denoise


async def serve(bus: Bus, media: MediaStore, jobs: JobStore, models: Models, variant: str) -> None:
    """Takes chunk tasks of one variant until canceled; run it several times for several chunks in flight."""

    async def handle(task: Task, record: JobRecord) -> None:
        assert isinstance(task, ChunkTask)
        started = time.perf_counter()
        if not await media.exists(object_names.faces(record.keys, task.chunk)):
            await store_faces(task, record)
        await media.delete(object_names.chunk(record.keys, task.chunk))
        seconds = time.perf_counter() - started

        before, after = await change(
            jobs, record.id, lambda r: with_timing(chunk_done(r, task.chunk), "denoise", seconds)
        )
        await announce(record.id, task.chunk, 1.0, after.chunks if after.preprocessed else None)
        for segment in newly_ready(before, after):
            await bus.publish(SegmentTask(job_id=record.id, segment=segment))

    async def store_faces(task: ChunkTask, record: JobRecord) -> None:
        chunk = load_chunk(await media.local_path(object_names.chunk(record.keys, task.chunk)))
        noise = SeededNoise(record.parameters.seed)

        async def after_step(share: float) -> None:
            await announce(record.id, task.chunk, share, None)

        faces = await denoise(chunk, record.parameters, models, noise, after_step)
        await media.put(object_names.faces(record.keys, task.chunk), dump_faces(faces))

    async def announce(job_id: str, chunk: int, share: float, chunks: int | None) -> None:
        await bus.announce(
            JobEvent(job_id=job_id, state="processing", stage="denoise", part=chunk, done=share, parts=chunks)
        )

    await work(f"denoise-{variant}", handle, bus, jobs)
