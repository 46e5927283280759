"""Fixtures shared by all tests: the reference's numbers and real clips, where they are at hand."""

import signal
from pathlib import Path

import pytest

from services.common.errors import FetchFailed
from services.common.settings import Settings
from services.preprocess.faces.detector import MeshDetector

pytest.register_assert_rewrite("port_suites")

# A build server may start us with Ctrl-C ignored, which every process started from here would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def _folder(name: str) -> Path:
    folder = _SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not at hand ({folder})")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of numbers produced by the reference implementation."""
    return _folder("golden")


@pytest.fixture(scope="session")
def clips() -> Path:
    """Folder of real talking-face clips."""
    return _folder("clips")


@pytest.fixture(scope="module")
def detector() -> MeshDetector:
    """The real face detector, where its model files are at hand."""
    try:
        return MeshDetector(Settings().faces_dir)
    except FetchFailed as missing:
        pytest.skip(str(missing))
