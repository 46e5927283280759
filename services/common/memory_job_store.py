"""The embedded job store: a dictionary under compare-and-set."""

from collections.abc import AsyncIterator

from services.common.errors import ObjectMissing, StaleRecord
from services.common.messages import JobRecord


class MemoryJobStore:
    def __init__(self) -> None:
        self._records: dict[str, tuple[JobRecord, int]] = {}

    async def create(self, record: JobRecord) -> None:
        if record.id in self._records:
            raise StaleRecord(f"Job {record.id} exists already.", job_id=record.id)
        self._records[record.id] = (record, 1)

    async def get(self, job_id: str) -> tuple[JobRecord, int]:
        try:
            return self._records[job_id]
        except KeyError:
            raise ObjectMissing(f"There is no job {job_id}.", job_id=job_id) from None

    async def update(self, record: JobRecord, revision: int) -> int:
        _, current = await self.get(record.id)
        if current != revision:
            raise StaleRecord(f"Job {record.id} is at revision {current}, not {revision}.", job_id=record.id)
        self._records[record.id] = (record, revision + 1)
        return revision + 1

    async def records(self) -> AsyncIterator[tuple[JobRecord, int]]:
        for entry in list(self._records.values()):
            yield entry
