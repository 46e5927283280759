"""How many jobs of one account run at once: each takes a numbered place, and the others wait for one."""

from pydantic import BaseModel, ConfigDict

from gateway.documents import Collection, Documents


class Slot(BaseModel):
    """Stored as `slots/<account>/<number>`."""

    model_config = ConfigDict(frozen=True)

    job: str | None
    """None: the place is free."""


class Slots:
    def __init__(self, documents: Documents) -> None:
        self._slots = Collection(documents, "slots", Slot)

    async def take(self, account: str, job: str, places: int) -> bool:
        """False when all places are taken. A job that has one already keeps it."""
        taken = {key: await self._slots.get(key) for key in await self._slots.keys(f"{account}/")}
        if any(slot.job == job for slot in taken.values()):
            return True
        for number in range(places):
            key = f"{account}/{number}"
            if (slot := taken.get(key)) is None:
                slot = await self._slots.create_once(key, Slot(job=job))
            elif slot.job is None:
                slot = await self._slots.change(key, lambda newest: newest if newest.job else Slot(job=job))
            if slot.job == job:
                return True
        return False

    async def give_back(self, account: str, job: str) -> None:
        """Harmless when the job has no place."""
        for key in await self._slots.keys(f"{account}/"):
            await self._slots.change(key, lambda newest: Slot(job=None) if newest.job == job else newest)
