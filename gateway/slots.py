"""How many jobs of one account run at once: each takes a numbered place, and the others wait for one."""

from pydantic import BaseModel, ConfigDict

from gateway.documents import Collection, Documents
from services.common.errors import DocumentExists


class Slot(BaseModel):
    """Stored as `slots/<account>/<number>` while a job has it."""

    model_config = ConfigDict(frozen=True)

    job: str


class Slots:
    def __init__(self, documents: Documents) -> None:
        self._slots = Collection(documents, "slots", Slot)

    async def take(self, account: str, job: str, places: int) -> bool:
        """False when all places are taken. A job that has one already keeps it."""
        free = set(range(places))
        for key in await self._slots.keys(f"{account}/"):
            slot = await self._slots.find(key)
            if slot and slot.job == job:
                return True
            free.discard(int(key.rpartition("/")[2]))
        for number in sorted(free):
            try:
                await self._slots.create(f"{account}/{number}", Slot(job=job))
            except DocumentExists:
                continue
            return True
        return False

    async def give_back(self, account: str, job: str) -> None:
        for key in await self._slots.keys(f"{account}/"):
            slot = await self._slots.find(key)
            if slot and slot.job == job:
                await self._slots.delete(key)
