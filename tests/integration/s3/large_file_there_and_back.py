"""Stores a file and fetches it again; writes by how many bytes this raised the process's peak memory."""

import asyncio
import re
import sys
from pathlib import Path

from services.common.content_hash import file_sha256
from services.common.s3_client import S3Access
from services.common.s3_media_store import s3_media_store


async def main(access: S3Access, source: Path) -> None:
    async with s3_media_store(access, source.parent / "scratch") as store:
        await store.put("work/warm", b"up")
        async with store.local("work/warm"):
            before = peak_bytes()
        await store.put_file("work/large.mp4", source)
        async with store.local("work/large.mp4") as path:
            assert file_sha256(path) == file_sha256(source)
        sys.stdout.write(str(peak_bytes() - before))
        await store.delete_folder("work/")


def peak_bytes() -> int:
    """Not from getrusage: that one remembers the parent's."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024


asyncio.run(main(S3Access(*sys.argv[1:5]), Path(sys.argv[5])))
