import asyncio
from pathlib import Path

import pytest

from services.common.errors import DiskFull, Unavailable
from services.common.local_cache import LONGEST_KEPT_S, LocalCache

SIZE = 100
LIMIT = 250


class Source:
    """Objects of SIZE bytes that can be held back and can fail."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.given = asyncio.Event()
        self.given.set()
        self.failures: list[Exception] = []

    async def fetch(self, name: str, path: Path) -> None:
        self.fetched.append(name)
        await self.given.wait()
        if self.failures:
            raise self.failures.pop(0)
        path.write_bytes(name.encode().ljust(SIZE))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(source: Source, tmp_path: Path) -> LocalCache:
    return LocalCache(tmp_path, LIMIT, source.fetch, worth_keeping=lambda name: not name.startswith("work/"))


async def read(cache: LocalCache, name: str) -> bytes:
    async with cache.file(name) as path:
        return path.read_bytes().rstrip()


async def test_a_kept_file_is_not_fetched_again(cache: LocalCache, source: Source) -> None:
    assert await read(cache, "a") == await read(cache, "a") == b"a"

    assert source.fetched == ["a"]


async def test_readers_at_the_same_time_share_one_fetch(cache: LocalCache, source: Source) -> None:
    source.given.clear()
    reading = [asyncio.ensure_future(read(cache, "work/chunk")) for _ in range(5)]
    await asyncio.sleep(0)
    source.given.set()

    assert await asyncio.gather(*reading) == [b"work/chunk"] * 5
    assert source.fetched == ["work/chunk"]


async def test_the_least_recently_used_file_goes_first(cache: LocalCache, source: Source, tmp_path: Path) -> None:
    for name in ("a", "b", "a", "c", "a", "b"):
        await read(cache, name)

    assert source.fetched == ["a", "b", "c", "b"]
    assert sorted(path.read_bytes().rstrip() for path in tmp_path.iterdir()) == [b"a", b"b"]


async def test_a_file_never_goes_under_its_reader(cache: LocalCache, tmp_path: Path) -> None:
    async with cache.file("a") as first, cache.file("b") as second, cache.file("c") as third:
        await read(cache, "d")
        cache.forget("b")

        assert [path.read_bytes().rstrip() for path in (first, second, third)] == [b"a", b"b", b"c"]

    assert len(list(tmp_path.iterdir())) == LIMIT // SIZE


async def test_what_is_not_worth_keeping_goes_with_its_last_reader(cache: LocalCache, tmp_path: Path) -> None:
    async with cache.file("work/chunk") as path:
        await read(cache, "work/chunk")
        assert path.exists()

    assert not list(tmp_path.iterdir())


async def test_a_kept_file_is_fetched_anew_when_it_is_too_old(source: Source, tmp_path: Path) -> None:
    now_s = 0.0
    cache = LocalCache(tmp_path, LIMIT, source.fetch, lambda name: True, lambda: now_s)
    await read(cache, "a")
    now_s = LONGEST_KEPT_S + 1
    await read(cache, "b")

    assert [path.read_bytes().rstrip() for path in tmp_path.iterdir()] == [b"b"]
    assert await read(cache, "a") == b"a"
    assert source.fetched == ["a", "b", "a"]


async def test_a_failure_is_told_to_all_who_wait_and_to_nobody_later(cache: LocalCache, source: Source) -> None:
    source.failures = [Unavailable("away")]
    told = await asyncio.gather(read(cache, "a"), read(cache, "a"), return_exceptions=True)

    assert [type(error) for error in told] == [Unavailable, Unavailable]
    assert await read(cache, "a") == b"a"


async def test_a_reader_who_leaves_does_not_stop_the_others(cache: LocalCache, source: Source) -> None:
    source.given.clear()
    leaving, staying = (asyncio.ensure_future(read(cache, "a")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    source.given.set()

    assert await staying == b"a"
    assert source.fetched == ["a"]


async def test_a_fetch_that_nobody_waits_for_is_stopped(cache: LocalCache, source: Source, tmp_path: Path) -> None:
    source.given.clear()
    reading = asyncio.ensure_future(read(cache, "a"))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    source.given.set()

    assert await read(cache, "a") == b"a"
    assert source.fetched == ["a", "a"]
    assert len(list(tmp_path.iterdir())) == 1


async def test_kept_files_give_way_when_the_disk_is_full(cache: LocalCache, source: Source, tmp_path: Path) -> None:
    await read(cache, "a")
    source.failures = [DiskFull("full")]

    assert await read(cache, "work/chunk") == b"work/chunk"
    assert not list(tmp_path.iterdir())


async def test_a_disk_that_stays_full_is_told(cache: LocalCache, source: Source) -> None:
    async with cache.file("a"):
        source.failures = [DiskFull("full")]

        with pytest.raises(DiskFull):
            await read(cache, "b")
