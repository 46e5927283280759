"""Documents in one SQLite file: for a machine without servers. Several processes may use the file at the same time."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.document_names import checked
from services.common.errors import (
    DiskFull,
    DocumentExists,
    LipstageError,
    ObjectDamaged,
    ObjectMissing,
    OutputUnwritable,
    StaleRecord,
    Unavailable,
)

T = TypeVar("T")

FILE_NAME: Final = "gateway.sqlite"
"""What the embedded gateway calls the file in its folder."""
_BUSY_S = 10.0
"""How long another process may keep the file to itself."""
_LOOK_S = 0.01
_READABLE_BY_OWNER = 0o600
_PRIMARY = 0xFF
"""The part of an error code that does not depend on the system call that failed."""

# Each write is a new row, so no revision is used twice, not even under a name that was deleted and created again.
_TABLE = """
create table if not exists documents (
    revision integer primary key autoincrement,
    name text not null unique,
    value blob not null
)
"""
_CREATE = "insert into documents (name, value) values (?1, ?2) on conflict do nothing returning revision"
_GET = "select value, revision from documents where name = ?1"
_UPDATE = """
replace into documents (name, value)
select name, ?2 from documents where name = ?1 and revision = ?3
returning revision
"""
_DELETE = "delete from documents where name = ?1"
_NAMES = "select name from documents where name > ?1 and name < ?2 order by name"


@contextlib.asynccontextmanager
async def sqlite_documents(path: Path) -> AsyncIterator["SqliteDocuments"]:
    """Makes the file if there is none. Raises OutputUnwritable, Unavailable, or ObjectDamaged for a file of no use."""
    with ThreadPoolExecutor(1, "documents") as thread:
        documents = SqliteDocuments(path, thread)
        try:
            await documents.open()
            yield documents
        finally:
            await documents.close()


class SqliteDocuments:
    """Documents port. One thread has the connection, so the event loop never waits for the disk."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        self._path, self._thread = path, thread
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        await self._in_thread(self._open)

    async def close(self) -> None:
        if self._connection is not None:
            await self._in_thread(self._connection.close)

    async def create(self, name: str, value: bytes) -> int:
        if not (rows := await self._rows(_CREATE, checked(name), value)):
            raise DocumentExists(f"{name} exists already.", name=name)
        return int(rows[0][0])

    async def get(self, name: str) -> tuple[bytes, int]:
        if not (rows := await self._rows(_GET, name)):
            raise ObjectMissing(f"There is no {name}.", name=name)
        value, revision = rows[0]
        return value, revision

    async def update(self, name: str, value: bytes, revision: int) -> int:
        if not (rows := await self._rows(_UPDATE, name, value, revision)):
            raise StaleRecord(f"{name} is not at revision {revision} any more.", name=name)
        return int(rows[0][0])

    async def delete(self, name: str) -> None:
        await self._rows(_DELETE, name)

    async def names(self, prefix: str) -> list[str]:
        after_all = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return [name for (name,) in await self._rows(_NAMES, prefix, after_all)]

    async def _rows(self, statement: str, *values: object) -> list[Any]:
        """What one statement answers, which is one transaction. Raises Unavailable, DiskFull, OutputUnwritable."""

        def run() -> list[Any]:
            assert self._connection is not None, "the file was opened"
            return self._connection.execute(statement, values).fetchall()

        return await self._in_thread(run)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        except OSError as error:
            raise OutputUnwritable(
                f"{self._path} cannot be written: {error.strerror}.", path=str(self._path)
            ) from error

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self._path.touch(_READABLE_BY_OWNER, exist_ok=False)
        self._connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
        once_free(self._connection, "pragma journal_mode = wal")
        # A document that was acknowledged survives a power cut.
        for statement in ("pragma synchronous = full", _TABLE):
            self._connection.execute(statement)

    def _trouble(self, error: sqlite3.Error) -> LipstageError:
        where = {"path": str(self._path)}
        match error.sqlite_errorcode & _PRIMARY:
            case sqlite3.SQLITE_FULL:
                return DiskFull(f"There is no space left for {self._path}.", **where)
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return OutputUnwritable(f"{self._path} cannot be written.", **where)
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                return ObjectDamaged(f"{self._path} is damaged, or no SQLite file.", **where)
        return Unavailable(f"{self._path} cannot be used now: {error}.", **where)


def once_free(connection: sqlite3.Connection, statement: str) -> None:
    """Runs a statement for which SQLite does not always wait: where two open a new file at once, one may be refused."""
    give_up_s = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_s:
                raise
            time.sleep(_LOOK_S)
        else:
            return
