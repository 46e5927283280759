"""The media store of the distributed body: one bucket of any S3 server."""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from minio.deleteobjects import DeleteObject
from minio.error import ServerError
from pydantic import ValidationError

from services.common import object_names, s3_objects
from services.common.errors import ObjectMissing, Unavailable
from services.common.local_cache import LocalCache
from services.common.s3_client import S3Access, S3Support, s3_client
from services.common.s3_requests import PATIENCE_S, S3Requests
from services.common.s3_setup import read_support
from services.common.scratch_folder import scratch_folder

CACHE_BYTES = 4 << 30
_INPUTS = object_names.media("", "")


@asynccontextmanager
async def s3_media_store(
    access: S3Access, scratch_dir: Path, cache_bytes: int = CACHE_BYTES, patience_s: float = PATIENCE_S
) -> AsyncIterator["S3MediaStore"]:
    """A store with a folder of its own in `scratch_dir`. The server is not asked yet. Raises OutputUnwritable."""
    with scratch_folder(scratch_dir) as scratch:
        store = S3MediaStore(access, scratch, cache_bytes, patience_s)
        try:
            yield store
        finally:
            store.close()


class S3MediaStore:
    """MediaStore port. Every object carries its SHA-256 and is checked against it when it is read.

    Inputs that `local` fetched stay in `scratch` up to `cache_bytes`, because every segment of a job needs them.
    Besides what the port says, every method raises Unauthorized, and those that read raise ObjectDamaged.
    """

    def __init__(self, access: S3Access, scratch: Path, cache_bytes: int, patience_s: float) -> None:
        self._access, self._bucket = access, access.bucket
        self._requests = S3Requests(access, patience_s)
        self._client = s3_client(access)
        self._support: S3Support | None = None
        self._cache = LocalCache(scratch, cache_bytes, self._fetch, lambda name: name.startswith(_INPUTS))
        self._scratch = scratch

    @property
    def scratch(self) -> Path:
        return self._scratch

    async def check(self) -> None:
        """Raises Unavailable or Unauthorized, after one try, unless the server answers and has been set up."""
        await self._learn_support(at_once=True)

    async def put(self, name: str, data: bytes) -> None:
        await self._write(name, lambda: io.BytesIO(data))

    async def put_file(self, name: str, path: Path) -> None:
        """A file from `scratch` is gone afterwards even when it could not be stored."""
        try:
            await self._write(name, lambda: path.open("rb"))
        finally:
            if path.is_relative_to(self._scratch):
                path.unlink(missing_ok=True)

    async def get(self, name: str) -> bytes:
        return await self._requests.run(lambda _: s3_objects.read(self._client, self._bucket, name), name)

    def local(self, name: str) -> AbstractAsyncContextManager[Path]:
        return self._cache.file(name)

    async def exists(self, name: str) -> bool:
        return await self._requests.run(lambda _: s3_objects.exists(self._client, self._bucket, name), name)

    async def delete(self, name: str) -> None:
        await self._requests.run(lambda _: self._client.remove_object(self._bucket, name), name)
        self._cache.forget(name)

    async def delete_folder(self, folder: str) -> None:
        await self._requests.run(lambda _: self._remove_all(folder), folder)

    async def children(self, folder: str) -> AsyncIterator[str]:
        for name in await self._requests.run(lambda _: self._names(folder), folder):
            yield name

    def close(self) -> None:
        self._requests.close()

    async def _write(self, name: str, open_content: Callable[[], s3_objects.Content]) -> None:
        support = self._support or await self._learn_support()
        client, look_first = self._client, not support.put_once
        await self._requests.run(
            lambda abandoned: s3_objects.write(client, self._bucket, name, open_content, look_first, abandoned), name
        )

    async def _fetch(self, name: str, path: Path) -> None:
        await self._requests.run(
            lambda abandoned: s3_objects.fetch(self._client, self._bucket, name, path, abandoned), name
        )

    async def _learn_support(self, at_once: bool = False) -> S3Support:
        try:
            support = await self._requests.run(lambda _: read_support(self._client, self._bucket), at_once=at_once)
        except (ObjectMissing, ValidationError):
            raise Unavailable(
                f"The bucket {self._bucket} at {self._access.url} has not been set up; "
                "run python -m services.bootstrap first.",
                bucket=self._bucket,
            ) from None
        if support != self._support:
            self._support, self._client = support, s3_client(self._access, support)
        return support

    def _remove_all(self, folder: str) -> None:
        """Servers that keep folders go on listing empty ones; so these are removed too, like objects."""
        inside = self._names(folder)
        for name in inside:
            if name.endswith("/"):
                self._remove_all(name)
        objects = [DeleteObject(name) for name in inside if not name.endswith("/")]
        refused = list(self._client.remove_objects(self._bucket, [*objects, DeleteObject(folder)]))
        if refused:
            raise ServerError(f"{len(refused)} objects of {folder} were not removed ({refused[0].code})", 500)

    def _names(self, folder: str) -> list[str]:
        found = self._client.list_objects(self._bucket, folder)
        return [item.object_name for item in found if item.object_name and item.object_name != folder]
