"""Peak memory of one whole run, for a short and a long video: it must not depend on the duration.

    python -m bench.memory [MINUTES …]

Generates 1080p files of the sample's speaker, runs every stage on each in a process of its own with the networks
replaced by fixed tensors, and prints the peak resident memory.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.long_clip import write_long_clip
from cli.embedded import run_job
from services.common import object_names
from services.common.folder_media_store import FolderMediaStore
from services.common.messages import DubParameters, JobRecord, OutputParameters
from services.common.ports import NETWORKS, Arrays, ModelCard, ModelName
from services.common.process_memory import keep_memory_flat
from services.common.settings import Settings
from services.preprocess.faces.detector import MeshDetector

RESOLUTION = 256
LAYERS, WIDTH = 5, 384


class FixedModels:
    """The shapes of LatentSync 1.5, without its arithmetic."""

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        return {outputs[0]: np.zeros(_shape(model, inputs), np.float32)}

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        return ModelCard(model, variant, RESOLUTION, "fixed", "1")


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        _run(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    minutes = [int(argument) for argument in sys.argv[1:]] or [1, 10]
    table = Table("video", "frames", "peak memory, MiB", "seconds")
    peaks = []
    for length in minutes:
        with tempfile.TemporaryDirectory() as folder:
            video, audio = write_long_clip(Path(folder), length)
            command = [sys.executable, "-m", "bench.memory", "--child", str(video), str(audio)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        peaks.append(result["peak_mib"])
        table.add_row(
            f"{length} min 1080p", str(result["frames"]), f"{result['peak_mib']:.0f}", f"{result['seconds']:.0f}"
        )
    console = Console()
    console.print(table)
    console.print(f"Longest over shortest: {peaks[-1] / peaks[0]:.3f}")


def _run(video: Path, audio: Path) -> None:
    keep_memory_flat()  # as every process that dubs begins

    async def work(folder: Path) -> JobRecord:
        media = FolderMediaStore(folder)
        models = FixedModels()
        parameters = DubParameters(variant="15", steps=1, guidance_scale=1, output=OutputParameters(preset="ultrafast"))
        keys = object_names.stage_keys("video", "audio", parameters, [await models.card(n, "15") for n in NETWORKS])
        record = JobRecord(id="memory", video="media/v.mp4", audio="media/a.wav", parameters=parameters, keys=keys)
        await media.put_file(record.video, video)
        await media.put_file(record.audio, audio)
        settings = Settings()
        detector = MeshDetector(settings.faces_dir)
        return await run_job(record, media, models, detector, settings, lambda event: None)

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        ended = asyncio.run(work(Path(folder)))
    assert ended.state == "completed", ended.error
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    frames = sum(ended.outcomes.values())
    print(json.dumps({"peak_mib": peak_mib, "frames": frames, "seconds": time.perf_counter() - started}))


def _shape(model: ModelName, inputs: Arrays) -> tuple[int, ...]:
    if model == "whisper_encoder":
        batch, _, mel_frames = inputs["mel"].shape
        return batch, mel_frames // 2, LAYERS, WIDTH
    if model == "vae_encoder":
        images, _, height, width = inputs["images"].shape
        return images, 8, height // 8, width // 8
    if model == "vae_decoder":
        images, _, height, width = inputs["latents"].shape
        return images, 3, height * 8, width * 8
    return inputs["latents"].shape


if __name__ == "__main__":
    main()
