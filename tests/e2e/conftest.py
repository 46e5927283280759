"""Clips, the command as a user runs it, and a browser."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from chromium import Visit, chromium, visiting
from command import COMMAND, FRAMES, Answer, Lipstage
from made_clips import rgb_frames, voice_samples, write_clip, write_voice
from playwright.sync_api import Browser

from services.common.settings import Settings
from services.preprocess.faces.fetch import fetch

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="session", autouse=True)
def _face_models() -> None:
    fetch(Settings().faces_dir)


@pytest.fixture(scope="session")
def video(sample_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("video") / "head.mp4", rgb_frames(sample_video, FRAMES, 320, 240))


@pytest.fixture(scope="session")
def voice(sample_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("voice") / "voice.wav", voice_samples(sample_voice), FRAMES / 25)


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def environment(work_dir: Path) -> dict[str, str]:
    return {**os.environ, "LIPSTAGE_WORK_DIR": str(work_dir)}


@pytest.fixture
def lipstage(environment: dict[str, str], tmp_path: Path) -> Lipstage:
    """Runs `lipstage ARGUMENTS` in an empty folder and waits for its end."""

    def run(arguments: Sequence[str | Path]) -> Answer:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def sample_video() -> Path:
    return SAMPLES / "talking_head.mp4"


@pytest.fixture(scope="session")
def sample_voice() -> Path:
    return SAMPLES / "voice_a.m4a"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser) as visit:
        yield visit
