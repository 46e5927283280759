import asyncio
import hashlib
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from port_suites.media_store import INPUT, NAME, MediaStoreSuite, file_with
from prometheus_client import REGISTRY

from services.common.errors import DiskFull, ObjectDamaged
from services.common.s3_client import S3Access, s3_client
from services.common.s3_media_store import S3MediaStore, s3_media_store
from services.common.s3_objects import PART_BYTES, fetch


class TestS3MediaStore(MediaStoreSuite):
    """The suite with a real server's bucket."""


async def test_of_many_writers_of_one_name_exactly_one_wins(
    access: S3Access, media_store: S3MediaStore, tmp_path: Path
) -> None:
    contents = [bytes([writer]) * 100_000 for writer in range(16)]
    stored_before = stored_bytes("put")

    async with s3_media_store(access, tmp_path / "another process") as another:
        stores = [media_store, another] * 8
        await asyncio.gather(*(store.put(NAME, content) for store, content in zip(stores, contents, strict=True)))

    assert await media_store.get(NAME) in contents
    assert stored_bytes("put") - stored_before == 100_000


async def test_a_large_object_is_written_once_and_whole(media_store: S3MediaStore, tmp_path: Path) -> None:
    contents = [bytes([writer]) * (PART_BYTES + 1) for writer in range(2)]

    await asyncio.gather(*(media_store.put(NAME, content) for content in contents))
    stored = await media_store.get(NAME)
    await media_store.put_file(NAME, file_with(tmp_path, contents[stored == contents[0]]))

    assert stored in contents
    assert await media_store.get(NAME) == stored


async def test_a_damaged_object_is_refused(access: S3Access, media_store: S3MediaStore) -> None:
    await media_store.put(NAME, b"what was stored")
    recorded = {"sha256": hashlib.sha256(b"what was stored").hexdigest()}
    s3_client(access).put_object(access.bucket, NAME, io.BytesIO(b"what was found!"), 15, metadata=recorded)

    with pytest.raises(ObjectDamaged, match=NAME):
        await media_store.get(NAME)
    with pytest.raises(ObjectDamaged, match=NAME):
        async with media_store.local(NAME):
            pass
    assert not list(media_store.scratch.iterdir())


async def test_an_object_of_somebody_else_is_refused(access: S3Access, media_store: S3MediaStore) -> None:
    s3_client(access).put_object(access.bucket, NAME, io.BytesIO(b"foreign"), 7)

    with pytest.raises(ObjectDamaged):
        await media_store.get(NAME)


async def test_inputs_are_fetched_once_and_everything_else_is_not_kept(media_store: S3MediaStore) -> None:
    await media_store.put(INPUT, b"video" * 1000)
    await media_store.put(NAME, b"chunk" * 1000)
    fetched_before = stored_bytes("get")

    for _ in range(3):
        async with media_store.local(INPUT) as video, media_store.local(NAME) as chunk:
            assert video.read_bytes() == b"video" * 1000
            assert chunk.read_bytes() == b"chunk" * 1000

    assert stored_bytes("get") - fetched_before == 5000 + 3 * 5000
    assert [path.read_bytes() for path in media_store.scratch.iterdir()] == [b"video" * 1000]


async def test_a_server_that_is_known_to_replace_objects_is_asked_first(access: S3Access, tmp_path: Path) -> None:
    raw = s3_client(access)
    with_all = raw.get_object(access.bucket, "setup/support.json").read()
    raw.put_object(access.bucket, "setup/support.json", io.BytesIO(b"{}"), 2)
    try:
        async with s3_media_store(access, tmp_path) as store:
            await store.put(NAME, b"first")
            await store.put(NAME, b"second")

            assert await store.get(NAME) == b"first"
            await store.delete(NAME)
    finally:
        raw.put_object(access.bucket, "setup/support.json", io.BytesIO(with_all), len(with_all))


async def test_a_canceled_upload_stores_nothing(access: S3Access, media_store: S3MediaStore, tmp_path: Path) -> None:
    putting = asyncio.ensure_future(media_store.put_file(NAME, file_with(tmp_path, bytes(5 * PART_BYTES))))
    while not s3_client(access)._list_multipart_uploads(access.bucket, prefix=NAME).uploads:
        await asyncio.sleep(0.005)

    putting.cancel()

    while s3_client(access)._list_multipart_uploads(access.bucket, prefix=NAME).uploads:
        await asyncio.sleep(0.005)
    assert not await media_store.exists(NAME)


async def test_a_fetch_that_nobody_waits_for_leaves_nothing(
    access: S3Access, media_store: S3MediaStore, tmp_path: Path
) -> None:
    await media_store.put(NAME, b"faces")
    abandoned = threading.Event()
    abandoned.set()

    with pytest.raises(CancelledError):
        fetch(s3_client(access), access.bucket, NAME, tmp_path / "faces", abandoned)

    assert not (tmp_path / "faces").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by the administrator only")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_full_scratch_disk_is_told_and_left_clean(
    small_disk: Path, access: S3Access, media_store: S3MediaStore
) -> None:
    await media_store.put(INPUT, os.urandom(8 << 20))

    async with s3_media_store(access, small_disk) as cramped:
        with pytest.raises(DiskFull, match="no space left"):
            async with cramped.local(INPUT):
                pass

        assert not list(cramped.scratch.iterdir())


async def test_kept_inputs_give_way_when_the_scratch_disk_is_full(
    small_disk: Path, access: S3Access, media_store: S3MediaStore
) -> None:
    later = os.urandom(4 << 20)
    await media_store.put(INPUT, os.urandom(4 << 20))
    await media_store.put(NAME, later)

    async with s3_media_store(access, small_disk) as cramped:
        async with cramped.local(INPUT):
            pass
        async with cramped.local(NAME) as path:
            assert path.read_bytes() == later


async def test_a_large_file_passes_in_little_memory(access: S3Access, tmp_path: Path) -> None:
    source = tmp_path / "large.mp4"
    source.write_bytes(os.urandom(1 << 20) * 64)
    script = Path(__file__).with_name("large_file_there_and_back.py")

    run = subprocess.run(
        [sys.executable, script, access.url, access.bucket, access.access_key, access.secret_key, source],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 48 << 20


def stored_bytes(direction: str) -> float:
    return REGISTRY.get_sample_value("lipstage_stored_bytes_total", {"direction": direction}) or 0.0
