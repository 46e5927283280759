"""Job records as documents, so that the embedded body's jobs outlive its process."""

import logging
from collections.abc import AsyncIterator

from gateway.documents import Documents
from services.common.errors import DocumentExists, MessageUnreadable, ObjectMissing, StaleRecord
from services.common.messages import JobRecord
from services.common.wire import decode_record, encode_record

log = logging.getLogger(__name__)

_FOLDER = "jobs/"


class DocumentsJobStore:
    """JobStore port. A record is stored as `jobs/<id>`, in the bytes that also a JetStream bucket would hold."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def create(self, record: JobRecord) -> None:
        try:
            await self._documents.create(_FOLDER + record.id, encode_record(record))
        except DocumentExists as error:
            raise StaleRecord(f"Job {record.id} exists already.", job_id=record.id) from error

    async def get(self, job_id: str) -> tuple[JobRecord, int]:
        """Also raises MessageUnreadable."""
        try:
            data, revision = await self._documents.get(_FOLDER + job_id)
        except ObjectMissing:
            raise ObjectMissing(f"There is no job {job_id}.", job_id=job_id) from None
        return decode_record(data), revision

    async def update(self, record: JobRecord, revision: int) -> int:
        return await self._documents.update(_FOLDER + record.id, encode_record(record), revision)

    async def records(self) -> AsyncIterator[tuple[JobRecord, int]]:
        """Leaves out what cannot be read, with a line in the log: it must not keep the other jobs from being seen."""
        for name in await self._documents.names(_FOLDER):
            try:
                found = await self.get(name.removeprefix(_FOLDER))
            except ObjectMissing:  # deleted while the others were read
                continue
            except MessageUnreadable as error:
                log.error("the record %s is passed over: %s", name, error)
            else:
                yield found
