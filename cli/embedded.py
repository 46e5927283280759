"""The embedded composition root: the three stages and the four ports in one process."""

import asyncio
from collections.abc import Callable

from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobEvent, JobRecord, PreprocessTask
from services.common.ports import Models
from services.common.settings import Settings
from services.composite import worker as composite
from services.denoise import worker as denoise
from services.preprocess import worker as preprocess
from services.preprocess.faces.detector import FaceDetector


async def run_job(
    record: JobRecord,
    media: FolderMediaStore,
    models: Models,
    detector: FaceDetector,
    settings: Settings,
    on_event: Callable[[JobEvent], None],
) -> JobRecord:
    """Works one job through all stages and returns its final record; canceling stops every stage cleanly."""
    bus, jobs = MemoryBus(), MemoryJobStore()
    variant = record.parameters.variant
    await jobs.create(record)
    events = bus.events(record.id)
    async with asyncio.TaskGroup() as group:
        workers = [
            group.create_task(preprocess.serve(bus, media, jobs, models, detector, settings.max_audio_s)),
            *(
                group.create_task(denoise.serve(bus, media, jobs, models, variant))
                for _ in range(settings.chunks_in_flight)
            ),
            group.create_task(composite.serve(bus, media, jobs, models, media.scratch, settings.encoder_threads)),
        ]
        await bus.publish(PreprocessTask(job_id=record.id))
        async for event in events:
            on_event(event)
            if event.state != "processing":
                break
        for worker in workers:
            worker.cancel()
    ended, _ = await jobs.get(record.id)
    return ended
