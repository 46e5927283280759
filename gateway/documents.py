"""The gateway's own truth: small documents under compare-and-set, in memory, in a file or in JetStream.

What must happen exactly once is a document that is only ever created, under a name derived from what it is about:
a second create is refused.
"""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from services.common.errors import DocumentExists, MessageUnreadable, ObjectMissing, StaleRecord

log = logging.getLogger(__name__)

Model = TypeVar("Model", bound=BaseModel)


class Documents(Protocol):
    """Names are `kind/part/…`, each part of letters, digits, `_` and `-`; a document stays under 1 MiB.

    All methods may raise Unavailable.
    """

    async def create(self, name: str, value: bytes) -> int:
        """The first revision. Raises DocumentExists."""
        ...

    async def get(self, name: str) -> tuple[bytes, int]:
        """The newest value and its revision. Raises ObjectMissing."""
        ...

    async def update(self, name: str, value: bytes, revision: int) -> int:
        """The new revision. Raises StaleRecord when `revision` is not the newest one."""
        ...

    async def delete(self, name: str) -> None:
        """Harmless when there is none. The name may be created again afterwards."""
        ...

    async def names(self, prefix: str) -> list[str]:
        """All names that begin with `prefix`, which ends in a slash, in ascending order."""
        ...


class Collection(Generic[Model]):
    """Documents of one kind, as what they mean."""

    def __init__(self, documents: Documents, kind: str, model: type[Model]) -> None:
        self._documents, self._kind, self._model = documents, kind, model

    async def create(self, key: str, document: Model) -> None:
        """Raises DocumentExists."""
        await self._documents.create(self._name(key), _bytes(document))

    async def create_once(self, key: str, document: Model) -> Model:
        """What is there under the key: `document`, or what somebody else created before."""
        while True:
            try:
                await self.create(key, document)
            except DocumentExists:
                try:
                    return await self.get(key)
                except ObjectMissing:  # it was deleted between the two
                    continue
            return document

    async def get(self, key: str) -> Model:
        """Raises ObjectMissing."""
        document, _ = await self._read(key)
        return document

    async def find(self, key: str) -> Model | None:
        try:
            return await self.get(key)
        except ObjectMissing:
            return None

    async def change(self, key: str, edit: Callable[[Model], Model]) -> Model:
        """Applies `edit` to the newest document until no other writer interferes. Raises ObjectMissing."""
        while True:
            before, revision = await self._read(key)
            after = edit(before)
            if after == before:
                return before
            try:
                await self._documents.update(self._name(key), _bytes(after), revision)
            except StaleRecord:
                continue
            return after

    async def delete(self, key: str) -> None:
        await self._documents.delete(self._name(key))

    async def keys(self, folder: str = "") -> list[str]:
        """Keys below `folder`, which is empty or ends in a slash, in ascending order."""
        prefix = f"{self._kind}/"
        return [name.removeprefix(prefix) for name in await self._documents.names(prefix + folder)]

    async def all(self, folder: str = "") -> AsyncIterator[Model]:
        async for _, document in self.items(folder):
            yield document

    async def items(self, folder: str = "") -> AsyncIterator[tuple[str, Model]]:
        """Leaves out what is deleted while it is being listed, and, with a line in the log, what cannot be read."""
        for key in await self.keys(folder):
            try:
                document = await self.find(key)
            except MessageUnreadable as error:
                log.error("%s", error)
                continue
            if document is not None:
                yield key, document

    async def _read(self, key: str) -> tuple[Model, int]:
        value, revision = await self._documents.get(self._name(key))
        try:
            return self._model.model_validate_json(value), revision
        except ValidationError as error:
            raise MessageUnreadable(f"The document {self._name(key)} cannot be read.", name=self._name(key)) from error

    def _name(self, key: str) -> str:
        return f"{self._kind}/{key}"


def _bytes(document: BaseModel) -> bytes:
    return document.model_dump_json().encode()
