"""What every adapter of the MediaStore port does. An adapter's test derives from MediaStoreSuite.

It gives the fixture `media_store`, an empty store.
"""

import asyncio
from pathlib import Path, PurePosixPath

import pytest

from services.common.errors import ObjectMissing
from services.common.ports import MediaStore

NAME = "work/job/chunks/000001.safetensors"
NEIGHBOUR = "work/job/chunks/000002.safetensors"
INPUT = "media/speaker.mov"


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

    async def test_a_file_from_scratch_is_gone_afterwards_even_when_the_name_was_taken(
        self, media_store: MediaStore
    ) -> None:
        first, second = (
            file_with(media_store.scratch, b"first", "1.mp4"),
            file_with(media_store.scratch, b"2nd", "2.mp4"),
        )

        await media_store.put_file(NAME, first)
        await media_store.put_file(NAME, second)

        assert await media_store.get(NAME) == b"first"
        assert not list(media_store.scratch.iterdir())

    @pytest.mark.parametrize("name", [NAME, INPUT])
    async def test_a_local_file_has_the_content(self, name: str, media_store: MediaStore, tmp_path: Path) -> None:
        await media_store.put(name, b"faces")
        await media_store.put_file(NEIGHBOUR, file_with(tmp_path, b"voice"))

        async with media_store.local(name) as faces, media_store.local(NEIGHBOUR) as voice:
            assert faces.read_bytes() == b"faces"
            assert voice.read_bytes() == b"voice"
            assert faces.suffix == PurePosixPath(name).suffix

    async def test_what_was_never_put_is_missing(self, media_store: MediaStore) -> None:
        await media_store.put(NEIGHBOUR, b"another")

        assert not await media_store.exists(NAME)
        with pytest.raises(ObjectMissing):
            await media_store.get(NAME)
        with pytest.raises(ObjectMissing):
            async with media_store.local(NAME):
                pass

    @pytest.mark.parametrize("name", [NAME, INPUT])
    async def test_a_deleted_object_is_missing_and_its_neighbour_is_not(
        self, name: str, media_store: MediaStore
    ) -> None:
        await media_store.put(name, b"one")
        await media_store.put(NEIGHBOUR, b"two")
        async with media_store.local(name):
            pass  # a store may keep what it fetched

        await media_store.delete(name)

        assert not await media_store.exists(name)
        with pytest.raises(ObjectMissing):
            await media_store.get(name)
        with pytest.raises(ObjectMissing):
            async with media_store.local(name):
                pass
        assert await media_store.get(NEIGHBOUR) == b"two"

    async def test_deleting_twice_is_harmless_and_the_name_is_free_again(self, media_store: MediaStore) -> None:
        await media_store.put(NAME, b"one")
        await media_store.delete(NAME)
        await media_store.delete(NAME)

        await media_store.put(NAME, b"new")

        assert await media_store.exists(NAME)
        assert await media_store.get(NAME) == b"new"

    async def test_a_folder_is_deleted_whole_and_nothing_else(self, media_store: MediaStore) -> None:
        for name in ("work/job/report.json", NAME, NEIGHBOUR, "work/job-2/report.json", "work/jo"):
            await media_store.put(name, b"x")

        await media_store.delete_folder("work/job/")
        await media_store.delete_folder("work/never/")

        assert not any([await media_store.exists(name) for name in ("work/job/report.json", NAME, NEIGHBOUR)])
        assert sorted([child async for child in media_store.children("work/")]) == ["work/jo", "work/job-2/"]

    async def test_children_are_the_objects_and_sub_folders_right_below(self, media_store: MediaStore) -> None:
        for name in ("work/job/plan.json", NAME, NEIGHBOUR, "out/job/film.mp4"):
            await media_store.put(name, b"x")

        assert sorted([child async for child in media_store.children("work/job/")]) == [
            "work/job/chunks/",
            "work/job/plan.json",
        ]
        assert [child async for child in media_store.children("work/never/")] == []

    async def test_writers_of_one_name_at_once_leave_one_whole_object(self, media_store: MediaStore) -> None:
        contents = [bytes([writer]) * 100_000 for writer in range(8)]

        await asyncio.gather(*(media_store.put(NAME, content) for content in contents))

        assert await media_store.get(NAME) in contents


def file_with(folder: Path, content: bytes, name: str = "a file.mp4") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
