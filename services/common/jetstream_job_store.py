"""The production job store: a JetStream key-value bucket, one key per job."""

import contextlib
import logging
from collections.abc import AsyncIterator

import nats.errors
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from services.common.errors import MessageUnreadable, ObjectMissing, StaleRecord
from services.common.jetstream_calls import REQUEST_S, answered, stored
from services.common.jetstream_names import JOBS, RECORDS, record_subject
from services.common.messages import JobRecord
from services.common.nats_connection import Connection
from services.common.wire import decode_record, encode_record

log = logging.getLogger(__name__)

_NONE = 0
"""The revision of a record that is not there."""
_FORGOTTEN_S = 60.0
"""How long the server keeps what it has for a listing that was broken off."""


class JetStreamJobStore:
    """JobStore port. A record's revision is its sequence number in the bucket's stream."""

    def __init__(self, connection: Connection) -> None:
        self._streams = connection.streams
        self._opened: KeyValue | None = None

    async def create(self, record: JobRecord) -> None:
        if await self._stored(record, _NONE) is None:
            raise StaleRecord(f"Job {record.id} exists already.", job_id=record.id)

    async def get(self, job_id: str) -> tuple[JobRecord, int]:
        """Also raises MessageUnreadable."""
        bucket = await self._bucket()
        try:
            entry = await answered(lambda: bucket.get(job_id))
        except KeyNotFoundError:
            raise ObjectMissing(f"There is no job {job_id}.", job_id=job_id) from None
        return _record(entry)

    async def update(self, record: JobRecord, revision: int) -> int:
        updated = await self._stored(record, revision)
        if updated is None:
            raise StaleRecord(f"Job {record.id} is not at revision {revision} any more.", job_id=record.id)
        return updated

    async def records(self) -> AsyncIterator[tuple[JobRecord, int]]:
        """Leaves out what cannot be read, with a line in the log: it must not keep the other jobs from being seen."""
        bucket = await self._bucket()
        listing = await answered(lambda: bucket.watchall(ignore_deletes=True, inactive_threshold=_FORGOTTEN_S))
        try:
            while entry := await answered(lambda: listing.updates(REQUEST_S), pauses_s=()):  # type: ignore[no-untyped-call]
                try:
                    found = _record(entry)
                except MessageUnreadable as error:
                    log.error("the record of job %s is passed over: %s", entry.key, error)
                else:
                    yield found
        finally:
            with contextlib.suppress(nats.errors.Error):
                await listing.stop()  # type: ignore[no-untyped-call]

    async def _stored(self, record: JobRecord, revision: int) -> int | None:
        return await stored(self._streams, RECORDS, record_subject(record.id), encode_record(record), revision)

    async def _bucket(self) -> KeyValue:
        # Opened with a look at its stream: without one, every job would seem to be missing.
        if self._opened is None:
            self._opened = await answered(lambda: self._streams.key_value(JOBS))
        return self._opened


def _record(entry: KeyValue.Entry) -> tuple[JobRecord, int]:
    return decode_record(entry.value or b""), entry.revision or 0
