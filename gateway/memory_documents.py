"""Documents in a dictionary, for tests and for what need not outlive its process."""

from gateway.document_names import checked
from services.common.errors import DocumentExists, ObjectMissing, StaleRecord


class MemoryDocuments:
    """Documents port."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[bytes, int]] = {}
        self._revision = 0

    async def create(self, name: str, value: bytes) -> int:
        if checked(name) in self._values:
            raise DocumentExists(f"{name} exists already.", name=name)
        return self._put(name, value)

    async def get(self, name: str) -> tuple[bytes, int]:
        try:
            return self._values[name]
        except KeyError:
            raise ObjectMissing(f"There is no {name}.", name=name) from None

    async def update(self, name: str, value: bytes, revision: int) -> int:
        _, newest = await self.get(name)
        if newest != revision:
            raise StaleRecord(f"{name} is at revision {newest}, not {revision}.", name=name)
        return self._put(name, value)

    async def delete(self, name: str) -> None:
        self._values.pop(name, None)

    async def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self._values if name.startswith(prefix))

    def _put(self, name: str, value: bytes) -> int:
        self._revision += 1
        self._values[name] = (value, self._revision)
        return self._revision
