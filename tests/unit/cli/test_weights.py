"""Fetching without a network, and the record of what was fetched."""

from pathlib import Path

import pytest

from cli.weights import list_weights, pull, verify
from services.common.content_hash import file_sha256
from services.common.errors import CheckpointMismatch, FetchFailed, InvalidParameter
from services.common.weights_record import RECORD_NAME, RecordedFile, WeightsRecord, read_record, write_record

UNET, WHISPER = "latentsync_unet.pt", "whisper/tiny.pt"


@pytest.fixture
def weights_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    monkeypatch.setenv("LIPSTAGE_WEIGHTS_DIR", str(folder))
    monkeypatch.setenv("LIPSTAGE_MODELS_DIR", str(tmp_path / "no networks"))
    return folder


@pytest.fixture
def fetched(weights_dir: Path) -> Path:
    """Two small files recorded as the checkpoints of variant 16."""
    folder = weights_dir / "16"
    (folder / "whisper").mkdir(parents=True)
    (folder / UNET).write_bytes(b"unet")
    (folder / WHISPER).write_bytes(b"whisper")
    write_record(folder, WeightsRecord(variant="16", files={name: recorded(folder / name) for name in (UNET, WHISPER)}))
    return folder


def recorded(path: Path) -> RecordedFile:
    return RecordedFile(sha256=file_sha256(path), bytes=path.stat().st_size, repository="owner/name@0123abc")


def test_the_record_says_what_was_written_into_it(fetched: Path) -> None:
    record = read_record(fetched)

    assert record is not None
    assert record.variant == "16"
    assert record.files == {UNET: recorded(fetched / UNET), WHISPER: recorded(fetched / WHISPER)}


def test_a_folder_without_a_record_has_none(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"variant": "16", "files": {"a": {}}}', b"\xff\xfe"])
def test_a_damaged_record_is_not_taken_for_none(content: bytes, fetched: Path) -> None:
    (fetched / RECORD_NAME).write_bytes(content)

    with pytest.raises(CheckpointMismatch, match=RECORD_NAME):
        verify()


def test_files_as_they_were_fetched_are_confirmed(fetched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify()

    assert "is the one that was fetched" in capsys.readouterr().out


def test_a_changed_file_is_named_and_the_right_one_is_not(fetched: Path) -> None:
    (fetched / WHISPER).write_bytes(b"whispeR")

    with pytest.raises(CheckpointMismatch) as error:
        verify()

    assert error.value.fields["files"] == [str(fetched / WHISPER)]


def test_a_file_that_is_gone_is_named(fetched: Path) -> None:
    (fetched / UNET).unlink()

    with pytest.raises(CheckpointMismatch) as error:
        verify()

    assert error.value.fields["files"] == [str(fetched / UNET)]


def test_what_was_fetched_is_listed(fetched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_weights()

    assert f"checkpoints of variant 16: {fetched} (2 files)" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["demo", "1", "2.0", "face"])
def test_what_cannot_be_fetched_is_refused(what: str, weights_dir: Path) -> None:
    with pytest.raises(InvalidParameter):
        pull(what)

    assert not weights_dir.exists()


def test_without_a_network_the_failure_names_file_and_place_and_nothing_is_recorded(
    weights_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(FetchFailed, match=UNET) as error:
        pull("1.6")

    assert error.value.fields == {"repository": "ByteDance/LatentSync-1.6", "file": UNET}
    assert read_record(weights_dir / "16") is None


def test_a_failed_fetch_leaves_the_earlier_record(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_record(fetched)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(FetchFailed):
        pull("16")

    assert read_record(fetched) == before
