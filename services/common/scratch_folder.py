"""A process's own folder for files in the making. What killed processes left is removed by the next one."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.errors import OutputUnwritable

_PREFIX = "lipstage-scratch-"


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`; it is gone at the end. Raises OutputUnwritable."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with _locked(parent):  # so that nobody takes a folder that is not locked yet for an abandoned one
            for folder in parent.glob(f"{_PREFIX}*"):
                _remove_if_abandoned(folder)
            own = Path(tempfile.mkdtemp(dir=parent, prefix=_PREFIX))
            lock = _lock(own, fcntl.LOCK_EX)
    except OSError as error:
        raise OutputUnwritable(f"{parent} cannot be written: {error.strerror}.", path=str(parent)) from error
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):  # in use, or just given up
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, operation: int) -> int:
    """The open folder's descriptor; closing it, or the process's death, ends the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
