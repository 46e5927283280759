"""Broken and hostile media without end: the same seed and number always give the same file."""

import gzip
import io
import random
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fuzz.intact_media import intact_media, many_streams
from fuzz.lies import LIES, Intact
from fuzz.references import (
    concat,
    dash,
    elsewhere_in_mp4,
    filter_script,
    playlist,
    playlist_inside_avi,
    session_description,
    subtitles,
)

_REFERENCES = {
    playlist: (".m3u8", ".m3u8", ".ts", ".mp4"),
    dash: (".mpd", ".mp4"),
    concat: (".ffconcat", ".txt", ".mp4"),
    subtitles: (".srt", ".ass", ".vtt", ".idx", ".mkv"),
    session_description: (".sdp", ".asx", ".wmv", ".mp4"),
    filter_script: (".lavfi", ".svg", ".ffmeta", ".mov"),
    playlist_inside_avi: (".avi",),
}
_DAMAGE_PER_ROUND = 7
"""Each kind of damage comes so often for each lie and each reference."""


@dataclass(frozen=True)
class BrokenFile:
    kind: str
    ending: str
    content: bytes
    refers: bool = False
    """Names other files and servers."""
    sparse_bytes: int = 0
    """The file goes on to this size with nothing in it."""

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            file.write(self.content)
            if self.sparse_bytes:
                file.truncate(self.sparse_bytes)


Maker = Callable[[random.Random], BrokenFile]


class BrokenMedia:
    def __init__(self, bait_urls: list[str], seed: int, endless_bytes: int) -> None:
        self._urls, self._seed, self._endless_bytes = bait_urls, seed, endless_bytes
        self._intact, self._many_streams = _material()
        damage = [self._cut, self._flipped, self._smeared, self._spliced]
        self._makers: list[Maker] = [
            *(self._reference(make, endings) for make, endings in _REFERENCES.items()),
            self._elsewhere,
            *(self._lie(tell) for tell in LIES),
            self._many,
            self._packed,
            self._monotonous,
            self._endless,
            *damage * _DAMAGE_PER_ROUND,
        ]

    @property
    def kinds(self) -> int:
        """So many files in a row hold each kind at least once."""
        return len(self._makers)

    def file(self, number: int) -> BrokenFile:
        rng = random.Random(f"{self._seed}/{number}")
        return self._makers[number % len(self._makers)](rng)

    def _reference(self, make: Callable[[random.Random, list[str]], bytes], endings: tuple[str, ...]) -> Maker:
        def maker(rng: random.Random) -> BrokenFile:
            return BrokenFile(make.__name__, rng.choice(endings), make(rng, self._urls), refers=True)

        return maker

    def _elsewhere(self, rng: random.Random) -> BrokenFile:
        return BrokenFile("elsewhere_in_mp4", ".mp4", elsewhere_in_mp4(rng, self._urls, self._intact[".mp4"]), True)

    def _lie(self, tell: Callable[[random.Random, Intact], tuple[str, bytes]]) -> Maker:
        return lambda rng: BrokenFile(tell.__name__, *tell(rng, self._intact))

    def _many(self, rng: random.Random) -> BrokenFile:
        """More streams, or more packets, than anybody needs."""
        if rng.random() < 0.5:
            return BrokenFile("many_streams", ".mkv", self._many_streams[rng.choice([33, 400])])
        return BrokenFile("many_packets", ".aac", self._intact[".aac"] * 8000)

    def _packed(self, rng: random.Random) -> BrokenFile:
        """An archive that is a thousand times larger inside."""
        inside = bytes(20_000_000)
        if rng.random() < 0.5:
            return BrokenFile(
                "gzip_bomb", rng.choice([".mp4", ".gz"]), gzip.compress(gzip.compress(inside, mtime=0), mtime=0)
            )
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(zipfile.ZipInfo("clip.mp4"), inside, zipfile.ZIP_DEFLATED)
        return BrokenFile("zip_bomb", rng.choice([".mp4", ".zip", ".mkv"]), archive.getvalue())

    def _monotonous(self, rng: random.Random) -> BrokenFile:
        """Nothing but one byte, noise, or one container's first bytes again and again."""
        head = rng.choice(sorted(self._intact.values()))[: rng.choice([4, 16, 64, 300])]
        content = rng.choice([b"", b"\0" * 50_000, b"\xff" * 50_000, rng.randbytes(50_000), head * 1000])
        return BrokenFile("monotonous", rng.choice(sorted(self._intact)), content)

    def _endless(self, rng: random.Random) -> BrokenFile:
        """A good beginning, and then nothing for gigabytes."""
        ending = rng.choice([".ts", ".mpg", ".mp3", ".wav", ".mkv", ".mp4", ".flv", ".ogg", ".au", ".aac", ".flac"])
        return BrokenFile("endless", ending, self._intact[ending], sparse_bytes=self._endless_bytes)

    def _cut(self, rng: random.Random) -> BrokenFile:
        ending, data = self._any(rng)
        return BrokenFile("cut", ending, data[: rng.randrange(len(data))])

    def _flipped(self, rng: random.Random) -> BrokenFile:
        ending, data = self._any(rng)
        reach = rng.choice([64, 1024, len(data)])
        for _ in range(rng.choice([1, 4, 16, 64])):
            data[rng.randrange(min(reach, len(data)))] ^= 1 << rng.randrange(8)
        return BrokenFile("flipped", ending, bytes(data))

    def _smeared(self, rng: random.Random) -> BrokenFile:
        ending, data = self._any(rng)
        size = rng.randint(1, 400)
        at = rng.randrange(len(data))
        data[at : at + size] = rng.choice([b"\0" * size, b"\xff" * size, rng.randbytes(size), b""])
        return BrokenFile("smeared", ending, bytes(data))

    def _spliced(self, rng: random.Random) -> BrokenFile:
        ending, head = self._any(rng)
        _, tail = self._any(rng)
        return BrokenFile("spliced", ending, bytes(head[: rng.randrange(len(head))] + tail[rng.randrange(len(tail)) :]))

    def _any(self, rng: random.Random) -> tuple[str, bytearray]:
        ending = rng.choice(sorted(self._intact))
        return ending, bytearray(self._intact[ending])


@cache
def _material() -> tuple[Intact, dict[int, bytes]]:
    """Files in order, and files with so many streams."""
    with tempfile.TemporaryDirectory() as folder:
        many = {count: many_streams(Path(folder) / "many.mkv", count) for count in (33, 400)}
        return intact_media(Path(folder)), many
