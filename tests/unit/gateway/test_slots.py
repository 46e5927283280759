"""Places for an account's running jobs: never more than there are, never taken from another job."""

import asyncio

from gateway.memory_documents import MemoryDocuments
from gateway.slots import Slots


async def test_there_are_as_many_places_as_the_account_has() -> None:
    slots = Slots(MemoryDocuments())

    taken = await asyncio.gather(*(slots.take("a", f"job{number}", 2) for number in range(5)))

    assert sum(taken) == 2
    assert await slots.take("b", "other", 1)


async def test_a_job_keeps_its_place_and_gives_back_only_its_own() -> None:
    slots = Slots(MemoryDocuments())
    assert await slots.take("a", "first", 1)
    assert await slots.take("a", "first", 1)

    await slots.give_back("a", "second")
    assert not await slots.take("a", "second", 1)
    await slots.give_back("a", "first")

    assert await slots.take("a", "second", 1)
