"""What every adapter of the MediaStore port does. An adapter's test derives from MediaStoreSuite.

It gives the fixture `media_store`, an empty store.
"""

import asyncio
from pathlib import Path

import pytest

from services.common.errors import ObjectMissing
from services.common.ports import MediaStore

NAME = "chunks/0123abcd/000001.safetensors"
NEIGHBOUR = "chunks/0123abcd/000002.safetensors"


class MediaStoreSuite:
    @pytest.mark.parametrize("data", [b"", b"\x00\r\n\xff", bytes(range(256)) * 4096], ids=["empty", "short", "1 MiB"])
    async def test_bytes_come_back_as_they_were_put(self, data: bytes, media_store: MediaStore) -> None:
        await media_store.put(NAME, data)

        assert await media_store.get(NAME) == data

    async def test_an_object_is_written_once(self, media_store: MediaStore, tmp_path: Path) -> None:
        later = file_with(tmp_path, b"later")
        await media_store.put(NAME, b"first")

        await media_store.put(NAME, b"second")
        await media_store.put_file(NAME, later)

        assert await media_store.get(NAME) == b"first"

    async def test_a_files_content_comes_back(self, media_store: MediaStore, tmp_path: Path) -> None:
        await media_store.put_file(NAME, file_with(tmp_path, b"a whole video"))

        assert await media_store.get(NAME) == b"a whole video"

    async def test_a_callers_file_stays_where_it_is(self, media_store: MediaStore, tmp_path: Path) -> None:
        source = file_with(tmp_path, b"a whole video")
        await media_store.put_file(NAME, source)

        await media_store.delete(NAME)

        assert source.read_bytes() == b"a whole video"

    async def test_a_local_path_is_a_file_with_the_content(self, media_store: MediaStore, tmp_path: Path) -> None:
        await media_store.put(NAME, b"faces")
        await media_store.put_file(NEIGHBOUR, file_with(tmp_path, b"voice"))

        assert (await media_store.local_path(NAME)).read_bytes() == b"faces"
        assert (await media_store.local_path(NEIGHBOUR)).read_bytes() == b"voice"

    async def test_what_was_never_put_is_missing(self, media_store: MediaStore) -> None:
        await media_store.put(NEIGHBOUR, b"another")

        assert not await media_store.exists(NAME)
        with pytest.raises(ObjectMissing):
            await media_store.get(NAME)
        with pytest.raises(ObjectMissing):
            await media_store.local_path(NAME)

    async def test_a_deleted_object_is_missing_and_its_neighbour_is_not(self, media_store: MediaStore) -> None:
        await media_store.put(NAME, b"one")
        await media_store.put(NEIGHBOUR, b"two")

        await media_store.delete(NAME)

        assert not await media_store.exists(NAME)
        with pytest.raises(ObjectMissing):
            await media_store.get(NAME)
        assert await media_store.get(NEIGHBOUR) == b"two"

    async def test_deleting_twice_is_harmless_and_the_name_is_free_again(self, media_store: MediaStore) -> None:
        await media_store.put(NAME, b"one")
        await media_store.delete(NAME)
        await media_store.delete(NAME)

        await media_store.put(NAME, b"new")

        assert await media_store.exists(NAME)
        assert await media_store.get(NAME) == b"new"

    async def test_writers_of_one_name_at_once_leave_one_whole_object(self, media_store: MediaStore) -> None:
        contents = [bytes([writer]) * 100_000 for writer in range(8)]

        await asyncio.gather(*(media_store.put(NAME, content) for content in contents))

        assert await media_store.get(NAME) in contents


def file_with(folder: Path, content: bytes) -> Path:
    path = folder / "a file.mp4"
    path.write_bytes(content)
    return path
