"""The preprocess worker: stores chunks and manifests and publishes the work they make possible."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from services.common import object_names
from services.common.chunk_files import dump_chunk, dump_manifest
from services.common.lanes import chunk_task, finish_task, segment_task
from services.common.messages import DubParameters, JobEvent, JobRecord, PreprocessTask, Task
from services.common.ports import Bus, JobStore, MediaStore, Models
from services.common.progress import (
    Edit,
    all_segments_done,
    change,
    chunk_found,
    claim,
    ready_segments,
    segment_planned,
    under_claim,
    with_timing,
)
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.stage import Finished, FrameLookedAt, NewChunk, NewSegment, Planned, Progress, preprocess

Steps = Callable[[Path, Path, DubParameters], AsyncGenerator[Progress, None]]
"""The stage, given a video, a sound and what is asked."""


def preprocess_steps(models: Models, detector: FaceDetector, max_audio_s: float) -> Steps:
    return lambda video, audio, parameters: preprocess(video, audio, parameters, models, detector, max_audio_s)


class Preprocessing:
    """What a preprocess task does to its job."""

    def __init__(self, bus: Bus, media: MediaStore, jobs: JobStore, steps: Steps) -> None:
        self._bus, self._media, self._jobs, self._steps = bus, media, jobs, steps

    async def handle(self, task: Task, record: JobRecord) -> None:
        assert isinstance(task, PreprocessTask)
        if record.preprocessed:
            if all_segments_done(record):  # the worker that found the last frame may have died before it said so
                await self._bus.publish(finish_task(record))
            return
        claimed = await claim(self._jobs, record.id)
        if not claimed.ended:
            await _Run(self._bus, self._media, self._jobs, claimed).run(self._steps)


class _Run:
    """One pass over the video, under a claim. A pass after an interrupted one stores only what is missing."""

    def __init__(self, bus: Bus, media: MediaStore, jobs: JobStore, claimed: JobRecord) -> None:
        self._bus, self._media, self._jobs, self._record = bus, media, jobs, claimed
        self._frames = 0

    async def run(self, steps: Steps) -> None:
        record = self._record
        started = time.perf_counter()
        async with (
            self._media.local(record.video) as video,
            self._media.local(record.audio) as audio,
            aclosing(steps(video, audio, record.parameters)) as events,
        ):
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
                if self._record.ended:
                    return

    async def _store_chunk(self, new: NewChunk) -> None:
        record = self._record
        if new.index in record.chunks_done:
            return
        stored = [await self._media.exists(object_names.segment(record, segment)) for segment in new.segments]
        if all(stored):  # an interrupted run got this far
            await self._change(lambda r: chunk_found(r, new.index, already_done=True))
            return
        if not await self._media.exists(object_names.faces(record, new.index)):
            await self._media.put(object_names.chunk(record, new.index), dump_chunk(new.chunk))
        await self._change(lambda r: chunk_found(r, new.index, already_done=False))
        await self._bus.publish(chunk_task(record, new.index))

    async def _store_segment(self, new: NewSegment) -> None:
        await self._media.put(object_names.manifest(self._record, new.index), dump_manifest(new.manifest))
        after = await self._change(lambda r: segment_planned(r, new.index, new.manifest.chunks))
        if new.index in ready_segments(after):
            await self._bus.publish(segment_task(after, new.index))

    async def _finish(self, finished: Finished, seconds: float) -> None:
        update = {"preprocessed": True, "outcomes": {o.name.lower(): count for o, count in finished.outcomes.items()}}
        after = await self._change(lambda r: with_timing(r.model_copy(update=update), "preprocess", seconds))
        if all_segments_done(after):
            await self._bus.publish(finish_task(after))

    async def _change(self, edit: Edit) -> JobRecord:
        self._record = await change(self._jobs, self._record.id, under_claim(self._record.epoch, edit))
        return self._record

    async def _announce(self, done: int) -> None:
        share = done / self._frames
        await self._bus.announce(
            JobEvent(job_id=self._record.id, state="processing", stage="preprocess", done=share, parts=1)
        )
