"""How a process keeps its memory: as much as it uses, however long the video.

glibc gives every thread a heap of its own and keeps what becomes free in each. Frames are made in one thread and freed
in another, so over a long video the free remains add up to more than what is in use. Elsewhere than on glibc nothing
is done.
"""

import ctypes
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
_MIB: Final = 1 << 20

_SETTINGS: Final = {
    _ARENA_MAX: 1,
    # A frame of 1080p stays on the heap, where the next one takes its place at no cost; mapped memory has to be faulted
    # in anew each time. A chunk's faces are more and come seldom: mapped, they leave no gaps. Unset, the limit would
    # rise until they are on the heap too.
    _MMAP_THRESHOLD: 8 * _MIB,
    # More than two RGB frames, so that the heap's end does not come and go with each.
    _TRIM_THRESHOLD: 16 * _MIB,
}


def keep_memory_flat() -> None:
    """To be called when a process starts, before it has threads."""
    if _libc is not None:
        for parameter, value in _SETTINGS.items():
            _libc.mallopt(parameter, value)


def return_freed_memory() -> None:
    """Hands free pages inside the heap back to the system; the heap's addresses stay as they are."""
    if _libc is not None:
        _libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.mallopt and libc.malloc_trim else None
    except (OSError, AttributeError, TypeError):  # musl, macOS, Windows
        return None


_libc = _glibc()
