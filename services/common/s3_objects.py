"""One object's way to the bucket and back, blocking. Its SHA-256 goes with it and is checked on every read."""

import hashlib
import io
import mimetypes
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import closing
from pathlib import Path

from minio import Minio
from minio.error import S3Error, ServerError
from urllib3 import BaseHTTPResponse

from services.common.errors import OUT_OF_SPACE, DiskFull, ObjectDamaged
from services.common.metrics import STORED_BYTES

PART_BYTES = 16 << 20
"""Larger objects are sent in parts of this size, one at a time: the most that is in memory at once."""
Content = io.BytesIO | io.BufferedReader

_PIECE_BYTES = 1 << 20
_CHECKSUM = "sha256"
_NAMED_BY_CONTENT = re.compile(r"media/(?P<sha256>[0-9a-f]{64})(\.\w+)?")


def write(
    client: Minio,
    bucket: str,
    name: str,
    open_content: Callable[[], Content],
    look_first: bool,
    abandoned: threading.Event,
) -> None:
    """Does nothing when the name exists. `look_first` is for servers that would replace what is there."""
    with open_content() as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        if (look_first or size > PART_BYTES) and exists(client, bucket, name):
            return
        try:
            written = client.put_object(
                bucket,
                name,
                content,
                size,
                content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
                metadata={_CHECKSUM: sha256},
                progress=_Watch(abandoned),
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        except S3Error as error:
            if error.code != "PreconditionFailed":
                raise
            return
    if not written.etag:  # a multipart upload's completion may fail after it began to answer "200 OK"
        raise ServerError(f"{name} was not completed", 500)
    STORED_BYTES.labels("put").inc(size)


def read(client: Minio, bucket: str, name: str) -> bytes:
    """Raises ObjectDamaged."""
    with closing(client.get_object(bucket, name)) as answer:
        data = answer.read()
    STORED_BYTES.labels("get").inc(len(data))
    _check(name, answer, hashlib.sha256(data).hexdigest())
    return data


def fetch(client: Minio, bucket: str, name: str, path: Path, abandoned: threading.Event) -> None:
    """Writes the object to `path`; nothing is left there when that fails. Raises ObjectDamaged and DiskFull."""
    digest = hashlib.sha256()
    try:
        with closing(client.get_object(bucket, name)) as answer, path.open("wb") as file:
            for piece in answer.stream(_PIECE_BYTES):
                if abandoned.is_set():
                    raise CancelledError
                digest.update(piece)
                file.write(piece)
                STORED_BYTES.labels("get").inc(len(piece))
        _check(name, answer, digest.hexdigest())
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in OUT_OF_SPACE:
            raise DiskFull(f"There is no space left in {path.parent}.", path=str(path.parent)) from error
        raise
    except Exception:
        path.unlink(missing_ok=True)
        raise


def exists(client: Minio, bucket: str, name: str) -> bool:
    try:
        client.stat_object(bucket, name)
    except S3Error as error:
        if error.code != "NoSuchKey":
            raise
        return False
    return True


def _check(name: str, answer: BaseHTTPResponse, sha256: str) -> None:
    """An object that a caller sent by link carries no checksum of ours, but its name may be one."""
    expected = answer.headers.get(f"x-amz-meta-{_CHECKSUM}")
    if expected is None and (named := _NAMED_BY_CONTENT.fullmatch(name)):
        expected = named["sha256"]
    if sha256 != expected:
        raise ObjectDamaged(f"{name} in the media store is not what was put there.", name=name)


class _Watch:
    """Ends an upload that nobody waits for any more; the client tells it about every part."""

    def __init__(self, abandoned: threading.Event) -> None:
        self._abandoned = abandoned

    def set_meta(self, object_name: str, total_length: int) -> None:
        """Nothing to do: only `update` is of interest."""

    def update(self, length: int) -> None:
        if self._abandoned.is_set():
            raise CancelledError
