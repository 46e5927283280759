"""Broken and hostile files, one of each kind. More: `make fuzz N=1000 SEED=1`."""

from contextlib import suppress
from pathlib import Path

import av
from fuzz.bait import Bait
from fuzz.broken_media import BrokenMedia
from fuzz.examination import examine

_SEED, _NUMBERS = 10, range(60)


async def test_whatever_is_wrong_with_a_file_it_is_refused_or_read_and_nothing_is_left() -> None:
    found = await examine(_NUMBERS, _SEED, endless_bytes=32 << 20)

    assert found.wrong == {}
    assert found.ended_by_a_limit == []
    assert (found.files, len(found.refused) > 5, found.accepted < 40) == (60, True, True)


def test_the_bait_would_see_who_follows_a_file(tmp_path: Path) -> None:
    with Bait() as bait:
        media = BrokenMedia(bait.urls(), _SEED, endless_bytes=0)
        playlists = [file for file in map(media.file, _NUMBERS) if file.ending == ".m3u8"]
        for playlist in playlists:
            assert b"169.254" not in playlist.content, "nobody but the bait may be visited"
            playlist.write(tmp_path / "list.m3u8")
            with suppress(av.FFmpegError):
                av.open(str(tmp_path / "list.m3u8"), options={"protocol_whitelist": "file,http,tcp"}).close()

    assert bait.visitors > 0


def test_a_file_can_be_made_again_and_each_kind_comes_up() -> None:
    media = BrokenMedia(["http://127.0.0.1:1/"], seed=3, endless_bytes=1 << 20)
    files = [media.file(number) for number in _NUMBERS]

    assert files == [media.file(number) for number in _NUMBERS]
    assert media.kinds <= len(_NUMBERS)
    assert sum(file.refers for file in files) >= 8
