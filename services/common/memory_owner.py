"""Who holds shared memory, so that what a killed process leaves in /dev/shm can be told from what is in use."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path("/dev/shm")
_LOCKS: Final = "lipstage-*.lock"


class MemoryOwner:
    """A name that begins the names of all memory of one owner, and a lock that ends with its process at the latest."""

    def __init__(self) -> None:
        self.name = f"lipstage-{uuid.uuid4().hex}"
        self._lock = FOLDER / f"{self.name}.lock"
        unlocked = self._lock.with_suffix(".new")
        self._descriptor = os.open(unlocked, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        unlocked.rename(self._lock)  # it has its name only once it is locked

    def close(self) -> None:
        self._lock.unlink(missing_ok=True)
        os.close(self._descriptor)


def ended_owners() -> Iterator[str]:
    """Names of owners whose process has ended without closing them; each is forgotten when the next is asked for."""
    for path in sorted(FOLDER.glob(_LOCKS)):
        try:
            with path.open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path.stem
                path.unlink(missing_ok=True)
        except OSError:
            continue  # held by its owner, just closed, or another user's
