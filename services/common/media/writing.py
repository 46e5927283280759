"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from services.common.errors import OUT_OF_SPACE, DiskFull, OutputUnwritable


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Gives a temporary sibling to write to; it becomes `path` at the end, or is removed if anything is raised.

    Raises DiskFull or OutputUnwritable for failures of the file system or of FFmpeg while writing.
    """
    temporary = path.absolute().with_name(f".lipstage-{secrets.token_hex(8)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except (av.FFmpegError, OSError) as error:
        raise _writing_error(path, error) from error
    finally:
        _remove(temporary)


def _remove(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return  # its folder is gone or forbidden, which the caller is being told already


def _writing_error(path: Path, error: av.FFmpegError | OSError) -> DiskFull | OutputUnwritable:
    if error.errno in OUT_OF_SPACE:
        return DiskFull(f"There is no space left to write “{path.name}”.", path=str(path))
    reason = error.strerror or str(error)
    return OutputUnwritable(f"“{path.name}” cannot be written: {reason}.", path=str(path))
