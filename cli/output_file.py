"""Putting the result where it was asked for: whole or not at all."""

import os
import shutil
import uuid
from pathlib import Path

from services.common.errors import OUT_OF_SPACE, DiskFull, OutputUnwritable


def check_writable(output: Path) -> None:
    """Raises OutputUnwritable before any work is done for a result that could not be written."""
    if output.is_dir():
        raise OutputUnwritable(f"“{output}” is a folder; name a file.", path=str(output))
    if not output.absolute().parent.is_dir():
        raise OutputUnwritable(f"The folder of “{output}” does not exist.", path=str(output))
    try:
        aside = _aside(output)
        aside.touch(exist_ok=False)
        aside.unlink()
    except OSError as error:
        raise unwritable(output, error) from error


def deliver(finished: Path, output: Path) -> None:
    """Copies `finished` to `output`, which appears only when it is complete. Raises DiskFull, OutputUnwritable."""
    aside = _aside(output)
    try:
        try:
            shutil.copyfile(finished, aside)
            os.replace(aside, output)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(output, error) from error


def unwritable(output: Path, error: OSError) -> DiskFull | OutputUnwritable:
    """What the operating system's refusal means."""
    if error.errno in OUT_OF_SPACE:
        return DiskFull(f"There is no space left for “{output}”.", path=str(output))
    return OutputUnwritable(f"“{output}” cannot be written: {error.strerror}.", path=str(output))


def _aside(output: Path) -> Path:
    return output.absolute().with_name(f".{uuid.uuid4().hex}{output.suffix}")
