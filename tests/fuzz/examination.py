"""Broken media, one after the other, through the gateway's examination; what came of it, and what was left behind."""

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil
from fuzz.bait import Bait
from fuzz.broken_media import BrokenFile, BrokenMedia

from gateway.probe_limits import ProbeLimits
from gateway.probing import Prober
from services.common.errors import InputError, MediaTooComplex

_TESTS = Path(__file__).resolve().parents[1]


@dataclass
class Found:
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By code."""
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    """What became of each kind of file: codes, and `accepted`."""
    crashes: list[str] = field(default_factory=list)
    """Files for which the process gave no answer, or the gateway raised what it must not."""
    ended_by_a_limit: list[str] = field(default_factory=list)
    outbound: int = 0
    """Connections to the server that the files name."""
    left_files: int = 0
    left_processes: int = 0
    left_descriptors: int = 0
    slowest: tuple[float, str] = (0.0, "")
    seconds: float = 0.0

    @property
    def files(self) -> int:
        return self.accepted + self.refused.total()

    @property
    def wrong(self) -> dict[str, object]:
        """Empty if every promise was kept."""
        promises = {
            "crashes": self.crashes,
            "outbound": self.outbound,
            "left files": self.left_files,
            "left processes": self.left_processes,
            "left descriptors": self.left_descriptors,
        }
        return {name: count for name, count in promises.items() if count}


class _Resources(NamedTuple):
    processes: int
    descriptors: int


async def examine(
    numbers: Iterable[int],
    seed: int,
    endless_bytes: int = 2 << 30,
    at_once: int = 2,
    seen: Callable[[int], object] = lambda number: None,
) -> Found:
    """Calls `seen` after each file; what stands for an endless one has `endless_bytes`."""
    found, began = Found(), time.perf_counter()
    prober = Prober(ProbeLimits(), at_once)
    with Bait() as bait, tempfile.TemporaryDirectory(prefix="lipstage-fuzz-") as folder:
        media, before, left_over = BrokenMedia(bait.urls(), seed, endless_bytes), _resources(), iter(numbers)

        async def work() -> None:
            for number in left_over:
                file = media.file(number)
                path = Path(folder) / f"{number}-{file.kind}{file.ending}"
                file.write(path)
                await _examine_one(prober, file, number, path, found)
                if not file.refers:
                    path.unlink()
                seen(number)

        await asyncio.gather(*(work() for _ in range(at_once)))
        await _examine_unconfined(sorted(Path(folder).iterdir()), found)
        after = _resources()
        found.left_files = len(list(Path(folder).iterdir()))
        found.left_processes = after.processes - before.processes
        found.left_descriptors = after.descriptors - before.descriptors
        found.outbound = bait.visitors
    found.seconds = time.perf_counter() - began
    return found


async def _examine_one(prober: Prober, file: BrokenFile, number: int, path: Path, found: Found) -> None:
    began = time.perf_counter()
    try:
        await (prober.audio(path) if number % 2 else prober.video(path))
        outcome = "accepted"
        found.accepted += 1
    except InputError as error:
        outcome = error.code
        found.refused[outcome] += 1
        if "ended_with" in error.fields:
            ended = found.ended_by_a_limit if isinstance(error, MediaTooComplex) else found.crashes
            ended.append(f"{path.name} ({error.fields['ended_with']})")
    except Exception as error:  # the promise is that there is none
        outcome = type(error).__name__
        found.refused[outcome] += 1
        found.crashes.append(f"{path.name} ({error!r})")
    found.kinds.setdefault(file.kind, Counter())[outcome] += 1
    found.slowest = max(found.slowest, (time.perf_counter() - began, path.name))


async def _examine_unconfined(paths: list[Path], found: Found) -> None:
    """And removes them."""
    environment = {**os.environ, "PYTHONPATH": f"{_TESTS}{os.pathsep}{_TESTS.parent}"}
    command = [sys.executable, "-m", "fuzz.unconfined", *map(str, paths)]
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    if status := await process.wait():
        found.crashes.append(f"examining files unconfined ended with {status}")
    for path in paths:
        path.unlink()


def _resources() -> _Resources:
    own = psutil.Process()
    return _Resources(len(own.children(recursive=True)), own.num_fds())
