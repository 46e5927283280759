"""Opening a local media file safely: the name is never read as a URL, an option, a pattern or a playlist."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer

from services.common.errors import MediaEmpty, MediaNotFound, MediaTruncated, MediaUnreadable

CONTAINER_FORMATS: Final = (
    "aac,ac3,aiff,amr,asf,au,avi,caf,eac3,flac,flv,gif,matroska,mov,mp3,mp4,mpeg,mpegts,mxf,nut,ogg,w64,wav,webm"
)
"""Self-contained media only: FFmpeg's playlist, image-pattern and script formats would open other files."""

_CONTAINER_SIGNATURES: Final = (
    (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    (0, (b"\x1aE\xdf\xa3", b"RIFF", b"RF64", b"FLV\x01", b"OggS", b"fLaC", b"GIF8", b"0&\xb2u", b"FORM", b"caff")),
)


def file_url(path: Path) -> str:
    """An FFmpeg name that can only mean this local file, whatever characters it holds."""
    return f"file:{path.absolute()}"


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Opens a media file for reading.

    Raises MediaNotFound, MediaEmpty, MediaTruncated (a known container that ends too early to be opened) or
    MediaUnreadable.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINER_FORMATS, "fflags": "+genpts"}
    check_is_file(path)
    try:
        container = av.open(file_url(path), "r", options=options, metadata_errors="replace")
    except PermissionError as error:
        raise MediaUnreadable(f"“{path.name}” cannot be read: permission denied.", path=str(path)) from error
    except (av.FFmpegError, ValueError) as error:
        raise _opening_error(path) from error
    with container:
        yield container


def check_is_file(path: Path) -> None:
    """Raises MediaNotFound, MediaUnreadable (a folder, a device) or MediaEmpty."""
    if not path.exists():
        raise MediaNotFound(f"“{path.name}” does not exist.", path=str(path))
    if not path.is_file():
        raise MediaUnreadable(f"“{path.name}” is not a file.", path=str(path))
    if path.stat().st_size == 0:
        raise MediaEmpty(f"“{path.name}” is empty (0 bytes).", path=str(path))


def _opening_error(path: Path) -> MediaTruncated | MediaUnreadable:
    with path.open("rb") as file:
        head = file.read(16)
    if any(head[at:].startswith(mark) for at, marks in _CONTAINER_SIGNATURES for mark in marks):
        return MediaTruncated(f"“{path.name}” is cut short or damaged: it cannot be opened.", path=str(path))
    return MediaUnreadable(f"“{path.name}” is not a media file that can be read.", path=str(path))
