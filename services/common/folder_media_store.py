"""The embedded media store: a folder of write-once files."""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from services.common.errors import OUT_OF_SPACE, DiskFull, ObjectMissing, OutputUnwritable


class FolderMediaStore:
    """MediaStore port over `root`. A name appears only when its content is complete (write aside, then rename)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, data: bytes) -> None:
        self._write_once(name, lambda aside: aside.write_bytes(data))

    async def put_file(self, name: str, path: Path) -> None:
        """Takes a file from `scratch` by renaming it, any other (an input) by symbolic link."""
        if not path.is_relative_to(self._root / "scratch"):
            self._write_once(name, lambda aside: aside.symlink_to(path.resolve()))
            return
        try:
            self._write_once(name, lambda aside: path.replace(aside))
        finally:
            path.unlink(missing_ok=True)

    async def get(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    @asynccontextmanager
    async def local(self, name: str) -> AsyncIterator[Path]:
        yield self._path(name)

    async def exists(self, name: str) -> bool:
        return (self._root / name).exists()

    async def delete(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)

    async def delete_folder(self, folder: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._root / folder, ignore_errors=True)

    async def children(self, folder: str) -> AsyncIterator[str]:
        parent = self._root / folder
        for path in sorted(parent.iterdir()) if parent.is_dir() else ():
            yield f"{folder}{path.name}/" if path.is_dir() else f"{folder}{path.name}"

    @property
    def scratch(self) -> Path:
        """A folder inside the store for files that are still being written; renamed, not copied, when put."""
        folder = self._root / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _path(self, name: str) -> Path:
        path = self._root / name
        if not path.exists():
            raise ObjectMissing(f"Nothing is stored as {name}.", name=name)
        return path

    def _write_once(self, name: str, write: Callable[[Path], object]) -> None:
        target = self._root / name
        if target.exists():
            return
        try:
            aside = self.scratch / uuid.uuid4().hex
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                write(aside)
                os.replace(aside, target)
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in OUT_OF_SPACE:
                raise DiskFull(f"There is no space left in {self._root}.", path=str(self._root)) from error
            raise OutputUnwritable(
                f"{self._root} cannot be written: {error.strerror}.", path=str(self._root)
            ) from error
