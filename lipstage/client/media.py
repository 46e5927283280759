"""A video or a voice as callers give it: an address, a path, bytes or an open file."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lipstage.client.errors import InvalidRequest

Media = str | Path | bytes | BinaryIO
"""Text that begins with http://, https://, data:, upload: or job: is an address; other text is a path.

An open file is sent from its beginning.
"""
_ADDRESSES = ("http://", "https://", "data:", "upload:", "job:")


@dataclass(frozen=True)
class File:
    """Something to upload."""

    name: str
    open: Callable[[], BinaryIO]
    kept_open: bool = False
    """It is the caller's to close."""
    repeatable: bool = True
    """It can be read from its start again."""

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        file = self.open()
        try:
            yield file
        finally:
            if not self.kept_open:
                file.close()


def address_or_file(media: Media) -> str | File:
    """Raises InvalidRequest for a path that leads to no file."""
    if isinstance(media, str) and media.startswith(_ADDRESSES):
        return media
    if isinstance(media, str | Path):
        path = Path(media)
        if not path.is_file():
            raise InvalidRequest("media_not_found", f"There is no file {path}.")
        return File(path.name, lambda: path.open("rb"))
    if isinstance(media, bytes):
        return File("media", lambda: io.BytesIO(media))
    return _open_file(media)


def _open_file(file: BinaryIO) -> File:
    name = getattr(file, "name", None)
    name = Path(name).name if isinstance(name, str) else "media"
    if not file.seekable():
        return File(name, lambda: file, kept_open=True, repeatable=False)

    def rewound() -> BinaryIO:
        file.seek(0)
        return file

    return File(name, rewound, kept_open=True)
