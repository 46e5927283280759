"""What a process gives up before it touches a stranger's file. None of it can be taken back."""

import ctypes
import os
import resource
import signal
import sys
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38  # linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h


def confine(memory_bytes: int, cpu_s: int, wall_s: int) -> None:
    """From here on this process can open one file at a time and nothing besides, write none, and is ended in time.

    It has no network of its own where the system permits that; where not, it still cannot open a socket together with
    its file. To be called while it has one thread, and after everything was imported.
    """
    signal.alarm(wall_s)
    if sys.platform == "linux":
        _without_network_and_privileges()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_s)
    _limit(resource.RLIMIT_NOFILE, _lowest_free_descriptor() + 1)


def _without_network_and_privileges() -> None:
    libc = ctypes.CDLL(None)
    # A user namespace permits it to users who are not root; some systems permit it to root alone, and some to none.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWNET)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (allowed, allowed))


def _lowest_free_descriptor() -> int:
    descriptor = os.dup(sys.stdout.fileno())
    os.close(descriptor)
    return descriptor
