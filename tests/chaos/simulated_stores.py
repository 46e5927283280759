"""The job store and the media store in memory; they outlive the processes that use them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chaos.simulated_process import Process, World

from services.common.errors import ObjectMissing, StaleRecord
from services.common.messages import ChunkTask, JobRecord, PreprocessTask, SegmentTask, Task


class Records:
    """All records, and what is wrong with how they are changed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.newest: dict[str, tuple[JobRecord, int]] = {}
        self.ended_at_s: dict[str, float] = {}
        self._claimed_by: dict[str, str] = {}

    def read(self, job_id: str) -> tuple[JobRecord, int]:
        try:
            return self.newest[job_id]
        except KeyError:
            raise ObjectMissing(f"There is no job {job_id}.") from None

    def create(self, record: JobRecord) -> None:
        if record.id in self.newest:
            raise StaleRecord(f"Job {record.id} exists already.")
        self.newest[record.id] = record, 1

    def write(self, record: JobRecord, revision: int, process: Process) -> int:
        before, current = self.read(record.id)
        if current != revision:
            raise StaleRecord(f"Job {record.id} is at revision {current}, not {revision}.")
        self._check(before, record, process)
        self.newest[record.id] = record, revision + 1
        return revision + 1

    def shows(self, task: Task) -> bool:
        """Whether nothing would be lost with the task."""
        record = self.newest[task.job_id][0]
        if record.ended:
            return True
        match task:
            case PreprocessTask():
                return record.preprocessed
            case ChunkTask(chunk=chunk):
                return chunk in record.chunks_done
            case SegmentTask(segment=segment):
                return record.segments[segment].status == "done"
        return False

    def _check(self, before: JobRecord, after: JobRecord, process: Process) -> None:
        if before.ended and before.model_copy(update={"announced": True}) != after:
            self._world.violated(f"{process.name} changed {after.id} after it was {before.state}")
        if after.ended and not before.ended:
            self.ended_at_s[after.id] = self._world.now_s
        if after.epoch != before.epoch:
            self._claimed_by[after.id] = process.name
        elif _retries_apart(before) == _retries_apart(after):
            return  # anybody may count them
        elif process.service == "preprocess" and not after.ended and self._claimed_by.get(after.id) != process.name:
            self._world.violated(f"{process.name} wrote to {after.id}, which {self._claimed_by[after.id]} has claimed")


def _retries_apart(record: JobRecord) -> JobRecord:
    return record.model_copy(update={"retries": {}})


class SimulatedJobStore:
    """JobStore port of one process."""

    def __init__(self, records: Records, process: Process) -> None:
        self._records, self._process = records, process

    async def create(self, record: JobRecord) -> None:
        await self._process.call("broker", f"create {record.id}", lambda: self._records.create(record))

    async def get(self, job_id: str) -> tuple[JobRecord, int]:
        return await self._process.call("broker", "get record", lambda: self._records.read(job_id))

    async def update(self, record: JobRecord, revision: int) -> int:
        what = f"update {record.id}"
        return await self._process.call("broker", what, lambda: self._records.write(record, revision, self._process))

    async def records(self) -> AsyncIterator[tuple[JobRecord, int]]:
        for entry in await self._process.call("broker", "list records", lambda: list(self._records.newest.values())):
            yield entry


class SimulatedMediaStore:
    """MediaStore port of one process over objects that all share."""

    scratch = Path("scratch")

    def __init__(self, objects: dict[str, bytes], process: Process) -> None:
        self._objects, self._process = objects, process

    async def put(self, name: str, data: bytes) -> None:
        await self._process.call("store", f"put {name}", lambda: self._objects.setdefault(name, data))

    async def put_file(self, name: str, path: Path) -> None:
        raise NotImplementedError("the toy stages have no files")

    async def get(self, name: str) -> bytes:
        return await self._process.call("store", f"get {name}", lambda: self._read(name))

    @asynccontextmanager
    async def local(self, name: str) -> AsyncIterator[Path]:
        await self.get(name)
        yield Path(name)

    async def exists(self, name: str) -> bool:
        return await self._process.call("store", "look", lambda: name in self._objects)

    async def delete(self, name: str) -> None:
        await self._process.call("store", f"delete {name}", lambda: self._objects.pop(name, None))

    async def delete_folder(self, folder: str) -> None:
        inside = await self._process.call("store", f"list {folder}", lambda: self._below(folder))
        for name in inside:
            await self.delete(name)

    async def children(self, folder: str) -> AsyncIterator[str]:
        for name in await self._process.call("store", f"children {folder}", lambda: self._children(folder)):
            yield name

    def _read(self, name: str) -> bytes:
        try:
            return self._objects[name]
        except KeyError:
            raise ObjectMissing(f"Nothing is stored as {name}.") from None

    def _below(self, folder: str) -> list[str]:
        return [name for name in self._objects if name.startswith(folder)]

    def _children(self, folder: str) -> list[str]:
        rests = (name.removeprefix(folder) for name in self._below(folder))
        return sorted({f"{folder}{rest.partition('/')[0]}{'/' if '/' in rest else ''}" for rest in rests})
