"""Media on their way to the disk: counted, hashed and capped; a file appears whole or not at all."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from services.common.errors import MediaTooLarge
from services.common.media.writing import new_file


@dataclass(frozen=True)
class Fetched:
    """A file that has arrived. What its sender says of it is not checked."""

    sha256: str
    bytes: int
    content_type: str | None
    """Lower case, without parameters."""
    final_url: str
    """After redirects; `data:` if it came inside the request."""
    filename: str | None
    """For people to read, never a path."""


class IncomingFile:
    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file, self._max_bytes = file, max_bytes
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Raises MediaTooLarge, before it is written."""
        self.bytes += len(block)
        self.expect(self.bytes)
        self._file.write(block)
        self._digest.update(block)

    def expect(self, total_bytes: int) -> None:
        """Raises MediaTooLarge if a file of this size is not taken."""
        if total_bytes > self._max_bytes:
            raise MediaTooLarge(
                f"The file is larger than the limit of {self._max_bytes / (1 << 20):g} MiB.", max_bytes=self._max_bytes
            )


@contextmanager
def incoming_file(target: Path, max_bytes: int) -> Iterator[IncomingFile]:
    """`target` is there when the block has ended; if it raises, nothing is. Raises DiskFull, OutputUnwritable."""
    with new_file(target) as partial, partial.open("wb") as file:
        yield IncomingFile(file, max_bytes)
