"""Stages that take no time of the processor: their outputs are hashes of everything that went in, so mix-ups show."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from chaos.simulated_process import Process

from services.common import object_names
from services.common.chunk_files import Chunk, Manifest, Outcome, dump_chunk, dump_manifest
from services.common.errors import AudioEmpty
from services.common.messages import DubParameters, JobRecord, StageKeys
from services.common.ports import MediaStore
from services.composite.worker import OnShare, Steps
from services.denoise.worker import AfterStep
from services.preprocess.stage import Finished, FrameLookedAt, NewChunk, NewSegment, Planned, Progress

STEPS = 2


@dataclass(frozen=True)
class Poison:
    """What goes wrong whenever anybody tries: an error, the worker's death, or an input that cannot be dubbed."""

    part: str
    """`preprocess`, `chunk-0`, `segment-0` or `finish`."""
    kind: str
    """`error`, `death` or `input`."""


@dataclass(frozen=True)
class ToyJob:
    number: int
    segments: tuple[tuple[int, ...], ...]
    """The chunks of each segment; a chunk may reach over an end."""
    step_s: float
    """The longest that a step takes."""
    poison: Poison | None = None

    @property
    def id(self) -> str:
        return f"job{self.number}"

    @property
    def chunks(self) -> int:
        return max(max(segment) for segment in self.segments) + 1

    def record(self) -> JobRecord:
        keys = StageKeys(preprocess="p", denoise="d", composite="c")
        video, audio = f"media/{self.number}.mp4", f"media/{self.number}.wav"
        return JobRecord(id=self.id, video=video, audio=audio, parameters=DubParameters(), keys=keys)


class ToyStages:
    """The stages as one process runs them."""

    def __init__(self, process: Process, media: MediaStore, jobs: dict[str, ToyJob], ends_s: dict[str, float]) -> None:
        self._process, self._media, self._jobs, self._ends_s = process, media, jobs, ends_s

    async def preprocess(self, video: Path, audio: Path, parameters: DubParameters) -> AsyncGenerator[Progress, None]:
        job = self._jobs[f"job{video.stem}"]
        yield Planned(job.chunks, 0, 0)
        for chunk in range(job.chunks):
            await self._step(job, "preprocess")
            yield FrameLookedAt(chunk)
            users = tuple(index for index, chunks in enumerate(job.segments) if chunk in chunks)
            yield NewChunk(chunk, _chunk(job.number, chunk), users)
            for index, chunks in enumerate(job.segments):
                if max(chunks) == chunk:
                    yield NewSegment(index, _manifest(job.number, index, chunks))
        yield Finished({Outcome.DUBBED: job.chunks})

    async def draw_faces(self, record: JobRecord, chunk: int, after_step: AfterStep) -> bytes:
        content = await self._media.get(object_names.chunk(record, chunk))
        for step in range(STEPS):
            await self._step(self._jobs[record.id], f"chunk-{chunk}")
            await after_step((step + 1) / STEPS)
        return _digest(content)

    def composite(self) -> Steps:
        return Steps(self._encode, self._finish)

    async def _encode(self, record: JobRecord, index: int, on_share: OnShare) -> None:
        content = await self._media.get(object_names.manifest(record, index))
        faces = [await self._media.get(object_names.faces(record, chunk)) for chunk in record.segments[index].chunks]
        await self._step(self._jobs[record.id], f"segment-{index}")
        await on_share(1.0)
        await self._media.put(object_names.segment(record, index), _digest(content, *faces))

    async def _finish(self, record: JobRecord) -> None:
        indices = sorted(record.segments)
        contents = [await self._media.get(object_names.manifest(record, index)) for index in indices]
        contents += [await self._media.get(object_names.segment(record, index)) for index in indices]
        await self._step(self._jobs[record.id], "finish")
        await self._media.put(object_names.report(record), b"report")
        await self._media.put(object_names.output(record), _digest(*contents))

    async def _step(self, job: ToyJob, part: str) -> None:
        process = self._process
        if job.poison is not None and job.poison.part == part:
            self._take(job.poison)
        await asyncio.sleep(job.step_s * process.world.chance.random())
        await process.call("models", f"step {job.id}/{part}", lambda: None)
        process.worked(job.id, self._ends_s)

    def _take(self, poison: Poison) -> None:
        match poison.kind:
            case "error":
                raise ValueError("poison")
            case "input":
                raise AudioEmpty("There is nothing to hear.")
            case "death":
                self._process.kill()


def expected_output(job: ToyJob) -> bytes:
    """What `job` makes when nothing goes wrong."""
    manifests = [dump_manifest(_manifest(job.number, index, chunks)) for index, chunks in enumerate(job.segments)]
    faces = [_digest(dump_chunk(_chunk(job.number, chunk))) for chunk in range(job.chunks)]
    segments = [
        _digest(manifest, *(faces[chunk] for chunk in chunks))
        for manifest, chunks in zip(manifests, job.segments, strict=True)
    ]
    return _digest(*manifests, *segments)


@cache
def _chunk(job: int, index: int) -> Chunk:
    row = np.array([job, index])
    return Chunk(np.zeros((1, 1, 1, 3), np.uint8), row, 0, np.zeros((1, 1, 1), np.float32), row)


@cache
def _manifest(job: int, index: int, chunks: tuple[int, ...]) -> Manifest:
    zeros = np.zeros(len(chunks), np.int64)
    matrices = np.zeros((len(chunks), 2, 3))
    return Manifest(
        first_frame=1000 * job + index,
        time_base=Fraction(1, 25),
        source=zeros,
        pts=zeros,
        next_pts=0,
        chunk=np.array(chunks),
        row=zeros,
        matrices=matrices,
        outcome=zeros,
        track=zeros,
    )


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
