"""The same inputs give the same bytes: twice, with more chunks in flight, and after an interruption."""

import asyncio
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, Lipstage
from numpy.typing import NDArray

from cli.dub import dub_file
from cli.embedded import run_job
from services.common import object_names
from services.common.folder_media_store import FolderMediaStore
from services.common.messages import DubParameters, JobEvent, OutputParameters
from services.common.networks_used import cards_of
from services.common.new_job import content_of, new_record
from services.common.onnx_models import OnnxModels
from services.common.ports import Arrays, ModelCard, ModelName
from services.common.settings import Settings
from services.preprocess.faces.detector import MeshDetector

STEPS = 2
PARAMETERS = DubParameters(steps=STEPS, guidance_scale=1, output=OutputParameters(preset="ultrafast"))


@dataclass
class CountedModels:
    models: OnnxModels
    unet_calls: int = 0
    others: list[str] = field(default_factory=list)

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        self.unet_calls += model == "unet"
        return await self.models.infer(model, variant, inputs, outputs)

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        return await self.models.card(model, variant)


@pytest.fixture(scope="module")
def expected(video: Path, voice: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The output of one uninterrupted run, one chunk at a time."""
    folder = tmp_path_factory.mktemp("expected")
    settings = Settings(work_dir=folder / "work", chunks_in_flight=1)
    dub_file(video, voice, folder / "out.mp4", PARAMETERS, settings)
    return (folder / "out.mp4").read_bytes()


def test_several_chunks_in_flight(expected: bytes, video: Path, voice: Path, tmp_path: Path) -> None:
    settings = Settings(work_dir=tmp_path / "work", chunks_in_flight=3)

    dub_file(video, voice, tmp_path / "again.mp4", PARAMETERS, settings)

    assert (tmp_path / "again.mp4").read_bytes() == expected
    assert not list((tmp_path / "work").iterdir())


def test_another_seed_gives_other_bytes(expected: bytes, video: Path, voice: Path, tmp_path: Path) -> None:
    parameters = PARAMETERS.model_copy(update={"seed": 7})

    dub_file(video, voice, tmp_path / "other.mp4", parameters, Settings(work_dir=tmp_path / "work"))

    assert (tmp_path / "other.mp4").read_bytes() != expected


def test_interrupted_by_the_user_and_started_again(
    expected: bytes,
    environment: dict[str, str],
    lipstage: Lipstage,
    video: Path,
    voice: Path,
    tmp_path: Path,
    work_dir: Path,
) -> None:
    output = tmp_path / "out.mp4"
    dub = ["dub", str(video), str(voice), "-o", str(output), "--steps", str(STEPS)]
    dub += ["--guidance", "1", "--preset", "ultrafast"]
    running = subprocess.Popen(
        [*COMMAND, *dub], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not list(work_dir.glob("*/work/*/faces/*/*")):
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)

    assert running.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not output.exists()
    assert list(work_dir.glob("*/work/*/faces/*/*"))

    assert lipstage(dub).status == 0
    assert output.read_bytes() == expected
    assert not list(work_dir.iterdir())


async def test_a_second_run_denoises_only_what_is_missing(
    expected: bytes, video: Path, voice: Path, tmp_path: Path
) -> None:
    settings = Settings(work_dir=tmp_path, chunks_in_flight=1)
    models = CountedModels(OnnxModels(settings.models_dir, settings.threads))
    detector = MeshDetector(settings.faces_dir)
    media = FolderMediaStore(tmp_path / "store")
    cards = await cards_of(models, PARAMETERS)
    record = new_record(content_of(video), content_of(voice), PARAMETERS, cards, "job")
    await media.put_file(record.video, video)
    await media.put_file(record.audio, voice)
    chunks_done = 0

    def count(event: JobEvent) -> None:
        nonlocal chunks_done
        chunks_done += event.stage == "denoise" and event.done == 1 and event.part >= chunks_done
        if chunks_done >= 2:
            first.cancel()

    first = asyncio.ensure_future(run_job(record, media, models, detector, settings, count))
    with pytest.raises(asyncio.CancelledError):
        await first
    stored = len(list((tmp_path / "store/work/job/faces").glob("*/*")))
    models.unet_calls = 0
    ended = await run_job(record, media, models, detector, settings, lambda event: None)

    assert 2 <= stored < ended.chunks
    assert models.unet_calls == STEPS * (ended.chunks - stored)
    assert (await media.get(object_names.output(record))) == expected
