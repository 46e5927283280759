"""Documents in a JetStream key-value bucket, one key per document."""

import json
from collections.abc import Mapping
from typing import Any

from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from gateway.document_names import checked, well_formed
from services.common.errors import DocumentExists, ObjectMissing, StaleRecord
from services.common.jetstream_calls import REQUEST_S, answered, stored
from services.common.jetstream_names import DOCUMENTS, document_name, document_subject
from services.common.nats_connection import Connection

_NONE = 0
"""The revision of a document that is not there."""
_DELETED = {"KV-Operation": "DEL"}
"""Header of what takes a deleted document's place, as in every key-value bucket of NATS."""


class JetStreamDocuments:
    """Documents port. A document's revision is its sequence number in the bucket's stream."""

    def __init__(self, connection: Connection) -> None:
        self._client, self._streams = connection.client, connection.streams

    async def create(self, name: str, value: bytes) -> int:
        while (revision := await self._stored(checked(name), value, _NONE)) is None:
            if await self._newest(name) is not None:
                raise DocumentExists(f"{name} exists already.", name=name)
        return revision

    async def get(self, name: str) -> tuple[bytes, int]:
        if (newest := await self._newest(name)) is None:
            raise ObjectMissing(f"There is no {name}.", name=name)
        return newest.data or b"", newest.seq or _NONE

    async def update(self, name: str, value: bytes, revision: int) -> int:
        if not well_formed(name) or (updated := await self._stored(name, value, revision)) is None:
            raise StaleRecord(f"{name} is not at revision {revision} any more.", name=name)
        return updated

    async def delete(self, name: str) -> None:
        # A marker takes the document's place, so that of a deletion and an update at the same time one is refused.
        while (newest := await self._newest(name)) is not None:
            marker = await self._stored(name, b"", newest.seq or _NONE, _DELETED)
            if marker is not None:
                await self._forget(name, marker)
                return

    async def names(self, prefix: str) -> list[str]:
        # From the stream's leader, without the values: a consumer may sit on a replica that lags behind.
        if not well_formed(prefix[:-1]):
            return []
        found: set[str] = set()
        while True:
            info = await self._info(f"{document_subject(prefix[:-1])}.>", len(found))
            page = info["state"].get("subjects", {})
            found.update(page)
            if not page or len(found) >= info.get("total", 0):
                return sorted(map(document_name, found))

    async def _stored(self, name: str, value: bytes, last: int, headers: Mapping[str, str] | None = None) -> int | None:
        return await stored(self._streams, DOCUMENTS, document_subject(name), value, last, headers)

    async def _newest(self, name: str) -> RawStreamMsg | None:
        if not well_formed(name):
            return None
        try:
            newest = await answered(lambda: self._streams.get_last_msg(DOCUMENTS, document_subject(name)))
        except NotFoundError:
            return None
        if _DELETED.items() <= (newest.headers or {}).items():
            await self._forget(name, newest.seq or _NONE)
            return None
        return newest

    async def _forget(self, name: str, marker: int) -> None:
        """Removes the marker, which would be kept for ever, and nothing that was stored after it."""
        await answered(lambda: self._streams.purge_stream(DOCUMENTS, marker + 1, document_subject(name)))

    async def _info(self, pattern: str, offset: int) -> dict[str, Any]:
        """What the stream's leader says of it, with the subjects of its messages from the `offset`th on, in order.

        It tells at most 100,000 of them at once.
        """
        asked = json.dumps({"subjects_filter": pattern, "offset": offset}).encode()

        async def ask() -> dict[str, Any]:
            message = await self._client.request(f"$JS.API.STREAM.INFO.{DOCUMENTS}", asked, timeout=REQUEST_S)
            info: dict[str, Any] = json.loads(message.data)
            if "error" in info:
                APIError.from_error(info["error"])
            return info

        return await answered(ask)
