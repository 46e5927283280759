"""The same stages as separate processes over real servers: same bytes, clear errors, nothing left behind."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, FRAMES
from made_clips import write_voice

from cli.dub import dub_file
from services.common.messages import DubParameters, OutputParameters
from services.common.s3_client import s3_client
from services.common.settings import Settings
from services.local.stack import LocalStack

DUB = ["--steps", "2", "--guidance", "1", "--preset", "ultrafast"]
PARAMETERS = DubParameters(steps=2, guidance_scale=1, output=OutputParameters(preset="ultrafast"))
STAGES = ("preprocess", "denoise", "composite")
MOST = 4


@pytest.fixture(scope="module")
def embedded(video: Path, voice: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The output of one process that needs no server."""
    folder = tmp_path_factory.mktemp("embedded")
    dub_file(video, voice, folder / "out.mp4", PARAMETERS, Settings(work_dir=folder / "work"))
    return (folder / "out.mp4").read_bytes()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    workers = {**dict.fromkeys(STAGES, MOST), "reconciler": 1}
    with LocalStack(tmp_path_factory.mktemp("stack"), workers) as stack:
        yield stack
    assert not list((stack.folder / "scratch").iterdir())


@pytest.mark.parametrize("workers", [4, 2, 1])
def test_the_bytes_are_those_of_one_process(
    workers: int, stack: LocalStack, embedded: bytes, video: Path, voice: Path, tmp_path: Path
) -> None:
    for stage in STAGES:
        for number in range(workers + 1, MOST + 1):
            stack.workers[f"{stage}-{number}"].stop()

    done = lipstage(stack, "dub", video, voice, "-o", tmp_path / "out.mp4", *DUB, "--via", stack.nats.url)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.mp4").read_bytes() == embedded
    assert json.loads((tmp_path / "out.report.json").read_text())["frames_dubbed"] == FRAMES


def test_a_job_is_submitted_watched_and_fetched(
    stack: LocalStack, embedded: bytes, video: Path, voice: Path, tmp_path: Path
) -> None:
    job = lipstage(stack, "submit", video, voice, *DUB).stdout.strip()
    under_way = lipstage(stack, "status", job)
    watched = lipstage(stack, "watch", job, "-o", tmp_path / "out.mp4")
    over = lipstage(stack, "status", job)

    assert under_way.stdout.startswith(("processing: ", "completed"))
    assert (watched.returncode, over.stdout) == (0, "completed\n"), watched.stderr
    assert (tmp_path / "out.mp4").read_bytes() == embedded


def test_a_canceled_job_stays_canceled(stack: LocalStack, video: Path, voice: Path, tmp_path: Path) -> None:
    job = lipstage(stack, "submit", video, voice, "--steps", "500", "--preset", "ultrafast").stdout.strip()

    canceled = lipstage(stack, "cancel", job)
    watched = lipstage(stack, "watch", job, "-o", tmp_path / "out.mp4")

    assert canceled.stdout == watched.stdout == "canceled\n", watched.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_a_job_that_cannot_be_dubbed_fails_with_the_reason(stack: LocalStack, video: Path, tmp_path: Path) -> None:
    silent = write_voice(tmp_path / "nothing.wav", np.zeros(0, np.int16), 1.0)

    done = lipstage(stack, "dub", video, silent, "-o", tmp_path / "out.mp4", "--via", stack.nats.url)

    assert (done.returncode, "error [audio_empty]" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"LIPSTAGE_NATS_URL": "nats://127.0.0.1:9"}, "NATS at nats://127.0.0.1:9 cannot be reached"),
        ({"LIPSTAGE_NATS_PASSWORD": "wrong"}, "[unauthorized]"),
        ({"LIPSTAGE_S3_URL": "http://127.0.0.1:9"}, "[unavailable]"),
        ({"LIPSTAGE_S3_SECRET_KEY": "wrong"}, "[unauthorized]"),
        ({"LIPSTAGE_S3_BUCKET": "another"}, "run python -m services.bootstrap first"),
        ({"LIPSTAGE_TRITON_URL": "127.0.0.1:9"}, "[unavailable]"),
        ({"LIPSTAGE_SCRATCH_DIR": "/proc/nowhere"}, "[output_unwritable]"),
        ({"LIPSTAGE_TASKS_AT_ONCE": "many"}, "LIPSTAGE_TASKS_AT_ONCE"),
        ({"LIPSTAGE_NATS_USER": None}, "LIPSTAGE_NATS_USER"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_worker_that_cannot_work_says_why_and_ends(
    wrong: dict[str, str | None], said: str, stack: LocalStack
) -> None:
    variables = {**os.environ, **stack.environment, "LIPSTAGE_HEALTH_PORT": "0", "LIPSTAGE_START_TIMEOUT_S": "1"}
    environment = {name: value for name, value in {**variables, **wrong}.items() if value is not None}

    done = worker("services.denoise", "--variant", "1", environment=environment)

    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_worker_for_a_variant_that_is_not_served_says_so(stack: LocalStack) -> None:
    environment = {**os.environ, **stack.environment, "LIPSTAGE_HEALTH_PORT": "0"}

    done = worker("services.denoise", "--variant", "16", environment=environment)

    assert (done.returncode, "[model_missing]" in done.stderr.splitlines()[-1]) == (2, True), done.stderr


def test_what_ended_jobs_leave_behind_is_cleared_away(stack: LocalStack) -> None:
    deadline_s = time.monotonic() + 60
    while objects_under(stack, "work/"):
        assert time.monotonic() < deadline_s
        time.sleep(0.2)


def lipstage(stack: LocalStack, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **stack.environment}
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)


def worker(module: str, *arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def objects_under(stack: LocalStack, folder: str) -> list[str]:
    found = s3_client(stack.s3.access).list_objects(stack.s3.access.bucket, folder, recursive=True)
    return [item.object_name for item in found if item.object_name]
