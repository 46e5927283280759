"""The folder a job's stage outputs live in while it runs, and from which an interrupted one resumes."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.errors import JobRunning, OutputUnwritable
from services.common.folder_media_store import FolderMediaStore

ABANDONED_AFTER_S = 7 * 24 * 3600


@contextmanager
def workplace(work_dir: Path, job_id: str) -> Iterator[FolderMediaStore]:
    """This process's exclusive store for the job. It is kept when the job is interrupted and removed however else it
    ends. Raises JobRunning when another process has it, OutputUnwritable.
    """
    folder, lock_path = work_dir / job_id, work_dir / f"{job_id}.lock"
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(work_dir)
        lock = lock_path.open("w")
    except OSError as error:
        raise OutputUnwritable(f"{work_dir} cannot be written: {error.strerror}.", path=str(work_dir)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JobRunning("The same dub is already running in another process.", job_id=job_id) from None
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        try:
            yield FolderMediaStore(folder)
        except KeyboardInterrupt:
            raise
        except BaseException:
            _remove(folder, lock_path)
            raise
        _remove(folder, lock_path)


def _remove(folder: Path, lock_path: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock_path.unlink(missing_ok=True)


def _remove_abandoned(work_dir: Path) -> None:
    """Removes what interrupted jobs left behind that nobody came back to."""
    for lock_path in work_dir.glob("*.lock"):
        if time.time() - lock_path.stat().st_mtime > ABANDONED_AFTER_S:
            with lock_path.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                _remove(lock_path.with_suffix(""), lock_path)
