"""The preprocess worker: stores chunks and manifests and publishes the work they make possible."""

import time
from collections.abc import Callable
from contextlib import aclosing

from services.common import object_names
from services.common.chunk_files import dump_chunk, dump_manifest
from services.common.messages import ChunkTask, FinishTask, JobEvent, JobRecord, PreprocessTask, SegmentTask, Task
from services.common.ports import Bus, JobStore, MediaStore, Models
from services.common.progress import all_segments_done, change, chunk_found, newly_ready, segment_planned, with_timing
from services.common.worker import work
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.stage import Finished, FrameLookedAt, NewChunk, NewSegment, Planned, preprocess


async def serve(
    bus: Bus, media: MediaStore, jobs: JobStore, models: Models, detector: FaceDetector, max_audio_s: float
) -> None:
    """Takes preprocess tasks until canceled."""

    async def handle(task: Task, record: JobRecord) -> None:
        assert isinstance(task, PreprocessTask)
        await Preprocessing(bus, media, jobs, record).run(models, detector, max_audio_s)

    await work("preprocess", handle, bus, jobs)


class Preprocessing:
    """One job's pass through the preprocess stage."""

    def __init__(self, bus: Bus, media: MediaStore, jobs: JobStore, record: JobRecord) -> None:
        self._bus, self._media, self._jobs, self._record = bus, media, jobs, record
        self._frames = 0

    async def run(self, models: Models, detector: FaceDetector, max_audio_s: float) -> None:
        record = self._record
        video = await self._media.local_path(record.video)
        audio = await self._media.local_path(record.audio)
        started = time.perf_counter()
        async with aclosing(preprocess(video, audio, record.parameters, models, detector, max_audio_s)) as events:
            async for event in events:
                match event:
                    case Planned(frames=frames):
                        self._frames = frames
                    case FrameLookedAt():
                        await self._announce(event.index + 1)
                    case NewChunk():
                        await self._store_chunk(event)
                    case NewSegment():
                        await self._store_segment(event)
                    case Finished():
                        await self._finish(event, time.perf_counter() - started)

    async def _store_chunk(self, new: NewChunk) -> None:
        record = self._record
        stored = [await self._media.exists(object_names.segment(record.keys, segment)) for segment in new.segments]
        if all(stored):  # an interrupted run got this far
            await self._change(lambda r: chunk_found(r, new.index, already_done=True))
            return
        if not await self._media.exists(object_names.faces(record.keys, new.index)):
            await self._media.put(object_names.chunk(record.keys, new.index), dump_chunk(new.chunk))
        await self._change(lambda r: chunk_found(r, new.index, already_done=False))
        await self._bus.publish(ChunkTask(job_id=record.id, variant=record.parameters.variant, chunk=new.index))

    async def _store_segment(self, new: NewSegment) -> None:
        record = self._record
        await self._media.put(object_names.manifest(record.keys, new.index), dump_manifest(new.manifest))
        before, after = await self._change(lambda r: segment_planned(r, new.index, new.manifest.chunks))
        for segment in newly_ready(before, after):
            await self._bus.publish(SegmentTask(job_id=record.id, segment=segment))

    async def _finish(self, finished: Finished, seconds: float) -> None:
        update = {"preprocessed": True, "outcomes": {o.name.lower(): count for o, count in finished.outcomes.items()}}

        def edit(record: JobRecord) -> JobRecord:
            return with_timing(record.model_copy(update=update), "preprocess", seconds)

        _, after = await self._change(edit)
        if all_segments_done(after):
            await self._bus.publish(FinishTask(job_id=self._record.id))

    async def _change(self, edit: Callable[[JobRecord], JobRecord]) -> tuple[JobRecord, JobRecord]:
        return await change(self._jobs, self._record.id, edit)

    async def _announce(self, done: int) -> None:
        share = done / self._frames
        await self._bus.announce(
            JobEvent(job_id=self._record.id, state="processing", stage="preprocess", done=share, parts=1)
        )
