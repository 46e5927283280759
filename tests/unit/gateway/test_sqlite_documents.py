import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from port_suites.documents import NAME, DocumentsSuite, Tally

from gateway.documents import Collection
from gateway.sqlite_documents import SqliteDocuments, once_free, sqlite_documents
from services.common.errors import DiskFull, ObjectDamaged, OutputUnwritable, Unavailable

REPOSITORY = Path(__file__).resolve().parents[3]
WRITER = """
import asyncio, sys
from pathlib import Path
from pydantic import BaseModel
from gateway.documents import Collection
from gateway.sqlite_documents import sqlite_documents
from services.common.errors import DocumentExists

class Tally(BaseModel):
    counted: tuple[int, ...] = ()

async def write(path, writer):
    async with sqlite_documents(Path(path)) as documents:
        tallies = Collection(documents, "tallies", Tally)
        await tallies.create_once("all", Tally())
        for number in range(20):
            counted = writer * 20 + number
            await tallies.change("all", lambda tally: Tally(counted=(*tally.counted, counted)))
            try:
                await tallies.create(f"won-{number}", Tally(counted=(writer,)))
                print(number)
            except DocumentExists:
                pass

asyncio.run(write(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lipstage.db"


@pytest.fixture
async def documents(path: Path) -> AsyncIterator[SqliteDocuments]:
    async with sqlite_documents(path) as documents:
        yield documents


class TestSqliteDocuments(DocumentsSuite):
    """The suite with this file's `documents`."""


async def test_documents_outlive_their_process_and_only_their_owner_reads_them(path: Path) -> None:
    async with sqlite_documents(path) as documents:
        revision = await documents.create(NAME, b"value")

    async with sqlite_documents(path) as documents:
        assert await documents.get(NAME) == (b"value", revision)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


async def test_processes_that_write_one_file_at_once_lose_nothing(path: Path) -> None:
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, str(path), str(writer)),
            stdout=asyncio.subprocess.PIPE,
            cwd=REPOSITORY,
        )
        for writer in range(3)
    ]

    outputs = [(await writer.communicate())[0] for writer in writers]

    assert [writer.returncode for writer in writers] == [0] * 3
    assert sorted(int(line) for output in outputs for line in output.split()) == list(range(20))
    async with sqlite_documents(path) as documents:
        assert sorted((await Collection(documents, "tallies", Tally).get("all")).counted) == list(range(60))


async def test_a_change_that_sqlite_does_not_wait_for_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("begin exclusive")
    hasty = sqlite3.connect(tmp_path / "new.db", timeout=0, isolation_level=None, check_same_thread=False)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        hasty.execute("pragma journal_mode = wal")

    waiting = asyncio.create_task(asyncio.to_thread(once_free, hasty, "pragma journal_mode = wal"))
    _, pending = await asyncio.wait({waiting}, timeout=0.05)
    other.execute("commit")
    await waiting

    assert pending == {waiting}
    assert hasty.execute("pragma journal_mode").fetchone() == ("wal",)
    other.close()
    hasty.close()


async def test_who_waits_for_the_file_does_not_hold_up_others(documents: SqliteDocuments, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    waiting = asyncio.ensure_future(documents.create(NAME, b"value"))
    _, pending = await asyncio.wait({waiting}, timeout=0.05)

    other.execute("commit")
    other.close()

    assert pending == {waiting}
    assert await documents.get(NAME) == (b"value", await waiting)


async def test_a_file_that_stays_in_use_is_unavailable(
    documents: SqliteDocuments, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.sqlite_documents._BUSY_S", 0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")

    async with sqlite_documents(path) as impatient:
        with pytest.raises(Unavailable, match=r"lipstage\.db"):
            await impatient.create(NAME, b"value")

    other.close()


async def test_a_file_of_another_kind_is_refused_and_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else " * 1000)

    with pytest.raises(ObjectDamaged, match=r"lipstage\.db"):
        async with sqlite_documents(path):
            pass

    assert path.read_bytes() == b"something else " * 1000


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputUnwritable, match="file/lipstage"):
        async with sqlite_documents(tmp_path / "file" / "lipstage.db"):
            pass


async def test_a_full_disk_is_told_and_what_was_there_stays(documents: SqliteDocuments, path: Path) -> None:
    revision = await documents.create(NAME, b"value")
    await documents._rows("pragma max_page_count = 8")

    with pytest.raises(DiskFull):
        await documents.create("notes/large", b"x" * 100_000)

    assert await documents.get(NAME) == (b"value", revision)
