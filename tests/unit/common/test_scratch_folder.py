import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from services.common.errors import OutputUnwritable
from services.common.scratch_folder import scratch_folder


def test_a_folder_is_empty_and_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "scratch") as folder:
        assert not list(folder.iterdir())
        (folder / "half a video.mp4").write_bytes(b"x")

    assert not list((tmp_path / "scratch").iterdir())


def test_the_folder_of_a_killed_process_is_removed_and_nothing_else(tmp_path: Path) -> None:
    others = tmp_path / "somebody else's"
    others.mkdir()
    with scratch_folder(tmp_path) as living:
        killed = folder_of_killed_process(tmp_path)
        assert killed.exists()

        with scratch_folder(tmp_path) as own:
            assert sorted(tmp_path.iterdir()) == sorted([living, own, others])


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    with pytest.raises(OutputUnwritable, match="cannot be written"), scratch_folder(in_the_way):
        pass


def folder_of_killed_process(parent: Path) -> Path:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=hold, args=(parent, theirs))
    process.start()
    folder = Path(ours.recv())
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return folder


def hold(parent: Path, connection: Connection) -> None:
    with scratch_folder(parent) as folder:
        (folder / "half a video.mp4").write_bytes(b"x")
        connection.send(str(folder))
        connection.recv()
