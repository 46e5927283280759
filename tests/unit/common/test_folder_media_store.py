import errno
import os
from pathlib import Path

import pytest
from port_suites.media_store import NAME, MediaStoreSuite, file_with

from services.common.errors import DiskFull, OutputUnwritable
from services.common.folder_media_store import FolderMediaStore


@pytest.fixture
def media_store(tmp_path: Path) -> FolderMediaStore:
    return FolderMediaStore(tmp_path / "store")


class TestFolderMediaStore(MediaStoreSuite):
    """The suite with this file's `media_store`."""


async def test_a_callers_file_is_linked_not_copied(media_store: FolderMediaStore, tmp_path: Path) -> None:
    source = file_with(tmp_path, b"gigabytes")

    await media_store.put_file(NAME, source)

    async with media_store.local(NAME) as path:
        assert path.resolve() == source


async def test_a_link_is_right_for_a_relative_path(
    media_store: FolderMediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = file_with(tmp_path, b"gigabytes").relative_to(tmp_path)

    await media_store.put_file(NAME, source)

    assert await media_store.get(NAME) == b"gigabytes"


async def test_a_file_written_inside_the_store_is_moved(media_store: FolderMediaStore) -> None:
    written = file_with(media_store.scratch, b"a segment")
    inode = written.stat().st_ino

    await media_store.put_file(NAME, written)

    async with media_store.local(NAME) as path:
        assert path.stat().st_ino == inode


@pytest.mark.parametrize(
    ("reason", "error"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, OutputUnwritable)]
)
async def test_a_failed_write_says_why_and_leaves_nothing(
    reason: int,
    error: type[Exception],
    media_store: FolderMediaStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "replace", refuse)

    with pytest.raises(error):
        await media_store.put(NAME, b"content")

    assert not await media_store.exists(NAME)
    assert not list(media_store.scratch.iterdir())


async def test_a_store_that_cannot_be_a_folder_is_unwritable(tmp_path: Path) -> None:
    media_store = FolderMediaStore(file_with(tmp_path, b"in the way"))

    with pytest.raises(OutputUnwritable, match="cannot be written"):
        await media_store.put(NAME, b"content")
