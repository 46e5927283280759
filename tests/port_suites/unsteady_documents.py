"""A Documents port whose calls get in each other's way, fail, or succeed and then seem to have failed."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from gateway.documents import Documents
from services.common.errors import Unavailable

T = TypeVar("T")
_MOST_TURNS = 3
_FAULTS_SHARE = 0.4


class UnsteadyDocuments:
    """Documents port. Which call is cut off, before or after its effect, and who goes first, follows from `chance`."""

    def __init__(self, documents: Documents, chance: Random, faults: int) -> None:
        self._documents, self._chance = documents, chance
        self.faults_left = faults
        self.answers_lost = 0

    async def create(self, name: str, value: bytes) -> int:
        return await self._called(lambda: self._documents.create(name, value))

    async def get(self, name: str) -> tuple[bytes, int]:
        return await self._called(lambda: self._documents.get(name))

    async def update(self, name: str, value: bytes, revision: int) -> int:
        return await self._called(lambda: self._documents.update(name, value, revision))

    async def delete(self, name: str) -> None:
        await self._called(lambda: self._documents.delete(name))

    async def names(self, prefix: str) -> list[str]:
        return await self._called(lambda: self._documents.names(prefix))

    async def _called(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._others_first()
        fails = self.faults_left > 0 and self._chance.random() < _FAULTS_SHARE
        self.faults_left -= fails
        if fails and self._chance.random() < 0.5:
            raise Unavailable("It was cut off before anything was done.")
        answer = await call()
        await self._others_first()
        if fails:
            self.answers_lost += 1
            raise Unavailable("It was cut off after it was done.")
        return answer

    async def _others_first(self) -> None:
        for _ in range(self._chance.randrange(_MOST_TURNS)):
            await asyncio.sleep(0)
