"""Media inside a request: `data:` URIs (RFC 2397), decoded block by block to a file."""

import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.incoming_file import Fetched, incoming_file
from services.common.errors import InvalidParameter

_BLOCK_LETTERS: Final = 1 << 20
_MAX_HEAD_LENGTH: Final = 1024
_HEAD: Final = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<parameters>(?:;[^;,]*)*)", re.IGNORECASE | re.ASCII)
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_WHITE_SPACE: Final = b" \t\r\n"


def save_data_uri(uri: str, target: Path, max_bytes: int) -> Fetched:
    """Decodes a `data:` URI to the file `target`, which is there afterwards, or not at all.

    Besides the URI one block of it is held. Raises InvalidParameter, MediaTooLarge, DiskFull, OutputUnwritable.
    """
    comma = uri.find(",", 0, _MAX_HEAD_LENGTH)
    head = _HEAD.fullmatch(uri[: max(comma, 0)])
    if head is None or not uri.isascii():
        raise InvalidParameter("The data URI is malformed: it has to begin like “data:video/mp4;base64,”.")
    is_base64 = head["parameters"].lower().endswith(";base64")
    data = _percent_decoded(uri, comma + 1)
    with incoming_file(target, max_bytes) as file:
        for block in _base64_decoded(data) if is_base64 else data:
            file.write(block)
    content_type = head["type"].lower() if head["type"] else None
    return Fetched(file.sha256, file.bytes, content_type, final_url="data:", filename=None)


def _percent_decoded(uri: str, start: int) -> Iterator[bytes]:
    while start < len(uri):
        end = min(start + _BLOCK_LETTERS, len(uri))
        escape = uri.find("%", max(end - 2, start), end)
        if escape >= 0 and end < len(uri):
            end = escape  # an escape is three letters; this one would be cut
        yield unquote_to_bytes(uri[start:end])
        start = end


def _base64_decoded(data: Iterator[bytes]) -> Iterator[bytes]:
    """Standard or URL-safe letters, white space ignored, padding optional."""
    held = b""
    try:
        for block in data:
            held += block.translate(_URL_SAFE, _WHITE_SPACE)
            whole = max(len(held) - 4, 0) // 4 * 4  # the last letters wait: only they may be padded
            if b"=" in held[:whole]:
                raise binascii.Error("padding before the end")
            yield binascii.a2b_base64(held[:whole], strict_mode=True)
            held = held[whole:]
        yield binascii.a2b_base64(held + b"=" * (-len(held) % 4), strict_mode=True)
    except binascii.Error as error:
        raise InvalidParameter("The data URI is not valid base64.") from error
