"""Gives memory that was freed back to the system."""

import ctypes
from collections.abc import Callable


def return_freed_memory() -> None:
    """Where the C library is glibc, hands its free pages back; elsewhere nothing happens.

    Frames are allocated in one thread and freed in another; glibc keeps what becomes free in each thread's arena, and
    over a long video those remains add up.
    """
    if _trim is not None:
        _trim(0)


def _glibc_trim() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return trim


_trim = _glibc_trim()
