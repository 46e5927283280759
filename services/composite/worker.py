"""The composite worker: encodes segments, and joins them into the output when the last one is done."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np

from services.common import object_names
from services.common.chunk_files import Manifest, load_manifest
from services.common.freed_memory import return_freed_memory
from services.common.media.encode import EncoderSettings, pick_codec
from services.common.media.join import Joined, join
from services.common.media.probe import probe_video
from services.common.messages import FinishTask, JobEvent, JobRecord, SegmentTask, Task
from services.common.networks_used import cards_of
from services.common.ports import Bus, JobStore, MediaStore, Models
from services.common.progress import all_segments_done, change, chunk_is_spent, segment_done, with_timing
from services.common.threads import in_thread
from services.common.worker import work
from services.composite.report import write_report
from services.composite.stage import composite_segment


async def serve(
    bus: Bus, media: MediaStore, jobs: JobStore, models: Models, scratch: Path, encoder_threads: int
) -> None:
    """Takes segment and finish tasks until canceled. `scratch` is a folder for files that are being written."""

    async def handle(task: Task, record: JobRecord) -> None:
        if isinstance(task, SegmentTask):
            await composite(task.segment, record)
        elif isinstance(task, FinishTask):
            await finish(record)

    async def composite(index: int, record: JobRecord) -> None:
        started = time.perf_counter()
        name = object_names.segment(record.keys, index)
        if not await media.exists(name):
            await media.put_file(name, await encoded(index, record))
            return_freed_memory()
        seconds = time.perf_counter() - started
        _, after = await change(jobs, record.id, lambda r: with_timing(segment_done(r, index), "composite", seconds))
        await drop_spent_faces(after, index - 1, index)
        await announce(after, index, 1.0)
        if all_segments_done(after):
            await bus.publish(FinishTask(job_id=record.id))

    async def drop_spent_faces(record: JobRecord, *segments: int) -> None:
        for segment in segments:
            for chunk in record.segments[segment].chunks if segment in record.segments else ():
                if chunk_is_spent(record, chunk):
                    await media.delete(object_names.faces(record.keys, chunk))

    async def encoded(index: int, record: JobRecord) -> Path:
        manifest = load_manifest(await media.local_path(object_names.manifest(record.keys, index)))
        video = await media.local_path(record.video)
        info = await asyncio.to_thread(probe_video, video)
        faces = {chunk: await media.local_path(object_names.faces(record.keys, chunk)) for chunk in manifest.chunks}
        output = record.parameters.output
        codec = pick_codec(output.codec, info, output.suffix)
        encoder = EncoderSettings(codec=codec, crf=output.crf, preset=output.preset, threads=encoder_threads)
        target = scratch / f"{uuid.uuid4().hex}.mp4"
        frames = composite_segment(video, info, manifest, faces, record.parameters.mode, encoder, target)
        async with aclosing(in_thread(frames)) as steps:
            async for done in steps:
                await announce(record, index, done / len(manifest.pts))
        return target

    async def finish(record: JobRecord) -> None:
        manifests = [
            load_manifest(await media.local_path(object_names.manifest(record.keys, index)))
            for index in sorted(record.segments)
        ]
        target = scratch / f"{uuid.uuid4().hex}{record.parameters.output.suffix}"
        joined = await _joined(record, manifests, media, target)
        cards = await cards_of(models, record.parameters)
        report = write_report(record, cards, manifests, joined)
        name = object_names.output(record.keys, record.parameters.output.suffix)
        await media.put_file(name, target)
        await media.put(object_names.report(record.keys), report.encode())
        await drop_spent_faces(record, max(record.segments))
        _, after = await change(jobs, record.id, lambda r: r.model_copy(update={"state": "completed", "output": name}))
        await bus.announce(JobEvent(job_id=record.id, state=after.state))

    async def announce(record: JobRecord, segment: int, share: float) -> None:
        parts = len(record.segments) if record.preprocessed else None
        await bus.announce(
            JobEvent(job_id=record.id, state="processing", stage="composite", part=segment, done=share, parts=parts)
        )

    await work("composite", handle, bus, jobs)


async def _joined(record: JobRecord, manifests: Sequence[Manifest], media: MediaStore, target: Path) -> Joined:
    segments = [await media.local_path(object_names.segment(record.keys, index)) for index in range(len(manifests))]
    frame_pts = np.concatenate([manifest.pts for manifest in manifests])
    time_base, end = manifests[0].time_base, manifests[-1].next_pts
    audio = await media.local_path(record.audio)
    end_s = float(end * time_base)
    return await asyncio.to_thread(join, segments, frame_pts, end - int(frame_pts[-1]), time_base, target, audio, end_s)
