from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.common.s3_client import S3Access
from services.common.s3_media_store import S3MediaStore, s3_media_store
from services.common.s3_setup import SUPPORT, prepare_bucket
from services.local.s3 import S3Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
async def access(server: S3Server) -> S3Access:
    """A bucket that has been set up."""
    await prepare_bucket(server.access)
    return server.access


@pytest.fixture
async def media_store(access: S3Access, tmp_path: Path) -> AsyncIterator[S3MediaStore]:
    async with s3_media_store(access, tmp_path / "scratch") as store:
        yield store
        async for name in store.children(""):
            if not SUPPORT.startswith(name):
                await store.delete_folder(name)
