"""Freed memory leaves the process. Each case runs in a process of its own, since settings cannot be taken back."""

import ctypes
import platform
import re
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pytest

from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video
from services.common.process_memory import keep_memory_flat, return_freed_memory

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told how to keep its memory")

MIB = 1 << 20
SAMPLE = Path(__file__).parents[3] / "samples" / "talking_head.mp4"
T = TypeVar("T")


def test_a_chunks_faces_leave_the_process_when_they_are_freed() -> None:
    assert _in_new_process(_kept_of_ten_chunks_mib) < 12


def _kept_of_ten_chunks_mib() -> float:
    keep_memory_flat()
    _written_and_freed(1, 30 * MIB)  # after this one glibc by itself would keep blocks of up to its size
    before = _resident_mib()
    _written_and_freed(10, 12 * MIB)
    return _resident_mib() - before


def test_what_lies_free_between_blocks_in_use_leaves_the_process_on_request() -> None:
    kept_mib, left_mib = _in_new_process(_kept_and_left_of_a_hundred_planes_mib)

    assert kept_mib > 90
    assert left_mib < 10


def _kept_and_left_of_a_hundred_planes_mib() -> tuple[float, float]:
    keep_memory_flat()
    before = _resident_mib()
    _written_and_freed(100, MIB)
    kept = _resident_mib() - before
    return_freed_memory()
    return kept, _resident_mib() - before


def test_what_lies_free_leaves_the_process_while_a_video_is_read() -> None:
    assert _in_new_process(_kept_while_reading_mib) < 50


def _kept_while_reading_mib() -> float:
    keep_memory_flat()
    info = probe_video(SAMPLE)
    before = _resident_mib()
    _written_and_freed(100, MIB)
    pictures = read_pictures(SAMPLE, info)
    for _ in range(20):
        next(pictures)
    return _resident_mib() - before


def test_threads_share_one_heap() -> None:
    assert _in_new_process(_threads_outside_the_heap) == 0


def _threads_outside_the_heap() -> int:
    keep_memory_flat()
    with ThreadPoolExecutor(4) as threads:
        blocks = list(threads.map(_written, [MIB] * 4))
    heap = re.search(r"^(\w+)-(\w+) .*\[heap]$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    assert heap is not None
    return sum(not int(heap[1], 16) <= block < int(heap[2], 16) for block in blocks)


def _in_new_process(measure: Callable[[], T]) -> T:
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        return processes.submit(measure).result()


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MIB


def _written_and_freed(count: int, size: int) -> None:
    """Behind each block lies one that stays, too large for a gap that was there before, and never written to."""
    blocks = [(_written(size), _allocated(MIB // 2))[0] for _ in range(count)]
    for block in blocks:
        _libc().free(ctypes.c_void_p(block))


def _written(size: int) -> int:
    block = _allocated(size)
    ctypes.memset(block, 1, size)
    return block


def _allocated(size: int) -> int:
    libc = _libc()
    libc.malloc.restype = ctypes.c_void_p
    block: int = libc.malloc(ctypes.c_size_t(size))
    return block


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
