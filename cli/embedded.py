"""The embedded composition root: the three stages and the four ports in one process."""

import asyncio
from collections.abc import Callable

from services.common.folder_media_store import FolderMediaStore
from services.common.lanes import preprocess_task
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobEvent, JobRecord, denoise_queue
from services.common.ports import Models
from services.common.settings import Settings
from services.common.worker import AT_ONCE, Handle, Worker
from services.composite.stored_steps import stored_steps
from services.composite.worker import Compositing
from services.denoise.worker import Denoising, drawn_faces
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.worker import Preprocessing, preprocess_steps


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
    await jobs.create(record)

    def worker(queue: str, handle: Handle) -> Worker:
        return Worker(queue, handle, bus, jobs, AT_ONCE)

    preprocessing = Preprocessing(bus, media, jobs, preprocess_steps(models, detector, settings.max_audio_s))
    denoising = Denoising(bus, media, jobs, drawn_faces(media, models))
    compositing = Compositing(bus, media, jobs, stored_steps(media, models, settings.encoder_threads))
    denoise = worker(denoise_queue(record.parameters.variant), denoising.handle)
    async with bus.events(record.id) as events, asyncio.TaskGroup() as group:
        serving = [
            group.create_task(worker("preprocess", preprocessing.handle).serve()),
            *(group.create_task(denoise.serve()) for _ in range(settings.chunks_in_flight)),
            group.create_task(worker("composite", compositing.handle).serve()),
        ]
        await bus.publish(preprocess_task(record))
        async for event in events:
            on_event(event)
        for task in serving:
            task.cancel()
    ended, _ = await jobs.get(record.id)
    return ended
