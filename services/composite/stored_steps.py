"""The composite stage over the media store: segments and outputs made from what the other stages left there."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import numpy as np

from services.common import object_names
from services.common.chunk_files import Manifest, load_manifest
from services.common.errors import SigningFailed
from services.common.media.encode import EncoderSettings, pick_codec
from services.common.media.join import Joined, join
from services.common.media.probe import probe_video
from services.common.messages import JobRecord
from services.common.networks_used import cards_of
from services.common.ports import MediaStore, Models
from services.common.process_memory import return_freed_memory
from services.common.threads import in_thread
from services.composite.report import write_report
from services.composite.stage import composite_segment
from services.composite.worker import OnShare, Steps

Sign = Callable[[Path, Path, JobRecord], bool]
"""Signs a finished file, given the source video, as its job asks; False if its container cannot be signed."""


def stored_steps(media: MediaStore, models: Models, encoder_threads: int, sign: Sign | None = None) -> Steps:
    """`encoder_threads` is fixed rather than automatic, because an encoder's bytes depend on it. Without `sign` only
    jobs that ask for no provenance can be finished."""

    async def encode(record: JobRecord, index: int, on_share: OnShare) -> None:
        async with AsyncExitStack() as files:
            manifest = load_manifest(await files.enter_async_context(media.local(object_names.manifest(record, index))))
            video = await files.enter_async_context(media.local(record.video))
            faces = {
                chunk: await files.enter_async_context(media.local(object_names.faces(record, chunk)))
                for chunk in manifest.chunks
            }
            info = await asyncio.to_thread(probe_video, video)
            output = record.parameters.output
            codec = pick_codec(output.codec, info, output.suffix)
            encoder = EncoderSettings(codec=codec, crf=output.crf, preset=output.preset, threads=encoder_threads)
            target = media.scratch / f"{uuid.uuid4().hex}.mp4"
            mode, provenance = record.parameters.mode, record.provenance
            frames = composite_segment(video, info, manifest, faces, mode, encoder, target, provenance)
            async with aclosing(in_thread(frames)) as steps:
                async for done in steps:
                    await on_share(done / len(manifest.pts))
        await media.put_file(object_names.segment(record, index), target)
        return_freed_memory()

    async def finish(record: JobRecord) -> None:
        async with AsyncExitStack() as files:
            manifests = [
                load_manifest(await files.enter_async_context(media.local(object_names.manifest(record, index))))
                for index in sorted(record.segments)
            ]
            segments = [
                await files.enter_async_context(media.local(object_names.segment(record, index)))
                for index in range(len(manifests))
            ]
            audio = await files.enter_async_context(media.local(record.audio))
            target = media.scratch / f"{uuid.uuid4().hex}{record.parameters.output.suffix}"
            joined = await _joined(manifests, segments, audio, target)
            signed = record.provenance is not None and await _signed(target, record)
        report = write_report(record, await cards_of(models, record.parameters), manifests, joined, signed)
        await media.put(object_names.report(record), report.encode())
        await media.put_file(object_names.output(record), target)

    async def _signed(target: Path, record: JobRecord) -> bool:
        if sign is None:
            raise SigningFailed("This process was not given the means to sign an output.")
        async with media.local(record.video) as source:
            return await asyncio.to_thread(sign, target, source, record)

    return Steps(encode, finish)


async def _joined(manifests: Sequence[Manifest], segments: Sequence[Path], audio: Path, target: Path) -> Joined:
    frame_pts = np.concatenate([manifest.pts for manifest in manifests])
    time_base, end = manifests[0].time_base, manifests[-1].next_pts
    end_s = float(end * time_base)
    return await asyncio.to_thread(join, segments, frame_pts, end - int(frame_pts[-1]), time_base, target, audio, end_s)
