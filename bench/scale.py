"""How denoising scales out: one long job, real NATS and a real S3 server, networks replaced by a fixed delay.

    python -m bench.scale [WORKERS …]

A chunk's network calls take 10 s together, as on a small GPU. Each count of workers gets its share of a 10-minute
video, the largest all of it, so that every run takes about as long. Prints chunks per second, the speed-up and what a
chunk costs beyond the networks.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.common import object_names
from services.common.chunk_files import Chunk, dump_chunk
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.lanes import chunk_task
from services.common.messages import DubParameters, JobRecord, SegmentState, StageKeys, denoise_queue
from services.common.nats_connection import nats_connection
from services.common.ports import Arrays, ModelCard, ModelName
from services.common.s3_media_store import S3MediaStore, s3_media_store
from services.common.stack import s3_access
from services.common.stack_settings import StackSettings
from services.common.worker import ENDURING, Worker
from services.denoise.worker import Denoising, drawn_faces
from services.local.nats import NatsServer
from services.local.s3 import S3Server

VARIANT: Final = "15"
RESOLUTION, STEPS = 256, 20
CHUNK_S = 10.0
WHOLE = 938
"""Chunks of 10 minutes at 25 fps."""
TASKS_PER_PROCESS = 8


class DelayedModels:
    """The shapes of LatentSync 1.5; the denoising network's calls take `CHUNK_S` a chunk, the others no time."""

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        if model == "vae_encoder":
            images, _, height, width = inputs["images"].shape
            shape: tuple[int, ...] = (images, 8, height // 8, width // 8)
        elif model == "vae_decoder":
            images, _, height, width = inputs["latents"].shape
            shape = (images, 3, height * 8, width * 8)
        else:
            await asyncio.sleep(CHUNK_S / STEPS)
            shape = inputs["latents"].shape
        return {outputs[0]: np.zeros(shape, np.float32)}

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        return ModelCard(model, variant, RESOLUTION, "delayed", "1")


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(_work(int(sys.argv[2])))
        return
    counts = [int(argument) for argument in sys.argv[1:]] or [1, 4, 16, 64]
    with (
        tempfile.TemporaryDirectory() as folder,
        NatsServer(Path(folder) / "nats") as nats,
        S3Server(Path(folder) / "s3") as s3,
    ):
        os.environ |= {
            "LIPSTAGE_NATS_URL": nats.url,
            "LIPSTAGE_NATS_USER": nats.user,
            "LIPSTAGE_NATS_PASSWORD": nats.password,
            "LIPSTAGE_S3_URL": s3.access.url,
            "LIPSTAGE_S3_BUCKET": s3.access.bucket,
            "LIPSTAGE_S3_ACCESS_KEY": s3.access.access_key,
            "LIPSTAGE_S3_SECRET_KEY": s3.access.secret_key,
            "LIPSTAGE_SCRATCH_DIR": str(Path(folder) / "scratch"),
        }
        subprocess.run([sys.executable, "-m", "services.bootstrap"], check=True, stderr=subprocess.DEVNULL)
        results = [asyncio.run(_measured(count, max(counts))) for count in counts]
    table = Table("workers", "chunks", "seconds", "chunks/s", "speed-up", "efficiency", "beyond the networks, ms/chunk")
    alone = results[0][0] / results[0][1] / counts[0]
    for count, (chunks, seconds) in zip(counts, results, strict=True):
        rate = chunks / seconds
        beyond_ms = (count / rate - CHUNK_S) * 1000
        table.add_row(
            str(count),
            str(chunks),
            f"{seconds:.1f}",
            f"{rate:.2f}",
            f"{rate / alone:.1f}",
            f"{rate / alone / count:.3f}",
            f"{beyond_ms:.0f} ({beyond_ms / CHUNK_S / 10:.1f} %)",
        )
    Console().print(table)


async def _measured(workers: int, most: int) -> tuple[int, float]:
    """Chunks of one job and the seconds that `workers` took for them."""
    chunks = round(WHOLE / most * workers)
    settings = StackSettings()  # type: ignore[call-arg]  # the environment has them
    async with _ports(settings) as (bus, jobs, media):
        record = await _job(jobs, media, workers, chunks)
        processes = [_started(tasks) for tasks in _split(workers)]
        try:
            for process in processes:
                assert process.stdout is not None
                await asyncio.to_thread(process.stdout.readline)
            started = time.perf_counter()
            await asyncio.gather(*(bus.publish(chunk_task(record, chunk)) for chunk in range(chunks)))
            with Progress(transient=True) as progress:
                bar = progress.add_task(f"{workers} workers", total=chunks)
                done = 0
                while done < chunks:
                    await asyncio.sleep(0.1)
                    now, _ = await jobs.get(record.id)
                    done = len(now.chunks_done)
                    progress.update(bar, completed=done)
            return chunks, time.perf_counter() - started
        finally:
            for process in processes:
                process.kill()
                process.wait()


async def _job(jobs: JetStreamJobStore, media: S3MediaStore, workers: int, chunks: int) -> JobRecord:
    """A job that preprocessing is done with."""
    segments = {s: SegmentState(chunks=tuple(range(s * 16, min(chunks, s * 16 + 16)))) for s in range(-(-chunks // 16))}
    record = JobRecord(
        id=f"scale-{workers}",
        video="media/v.mp4",
        audio="media/a.wav",
        parameters=DubParameters(variant=VARIANT, steps=STEPS),
        keys=StageKeys(preprocess="p", denoise="d", composite="c"),
        preprocessed=True,
        chunks=chunks,
        segments=segments,
    )
    faces = np.random.default_rng(0).integers(0, 256, (16, RESOLUTION, RESOLUTION, 3), np.uint8)
    index = np.add.outer(2 * np.arange(16), np.arange(10))
    chunk = dump_chunk(Chunk(faces, np.arange(16), 0, np.zeros((40, 5, 384), np.float32), index))
    for first in range(0, chunks, 16):
        names = [object_names.chunk(record, number) for number in range(first, min(chunks, first + 16))]
        await asyncio.gather(*(media.put(name, chunk) for name in names))
    await jobs.create(record)
    return record


async def _work(tasks: int) -> None:
    settings = StackSettings()  # type: ignore[call-arg]  # the environment has them
    async with _ports(settings) as (bus, jobs, media):
        handle = Denoising(bus, media, jobs, drawn_faces(media, DelayedModels())).handle
        worker = Worker(denoise_queue(VARIANT), handle, bus, jobs, ENDURING)
        print("ready", flush=True)
        await asyncio.gather(*(worker.serve() for _ in range(tasks)))


@asynccontextmanager
async def _ports(settings: StackSettings) -> AsyncIterator[tuple[JetStreamBus, JetStreamJobStore, S3MediaStore]]:
    async with AsyncExitStack() as open_ports:
        password = settings.nats_password.get_secret_value()
        connecting = nats_connection(settings.nats_url, settings.nats_user, password, "bench", patience_s=30)
        connection = await open_ports.enter_async_context(connecting)
        media = await open_ports.enter_async_context(s3_media_store(s3_access(settings), settings.scratch_dir))
        yield JetStreamBus(connection), JetStreamJobStore(connection), media


def _split(workers: int) -> list[int]:
    """Tasks at once of each process."""
    full, rest = divmod(workers, TASKS_PER_PROCESS)
    return [TASKS_PER_PROCESS] * full + ([rest] if rest else [])


def _started(tasks: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.scale", "--worker", str(tasks)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    main()
