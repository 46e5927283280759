"""Who takes in a job's media: one gateway at a time, because an address may be good for a single look."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from services.common.errors import LipstageError, ObjectMissing

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""So long after its last sign of life a gateway is taken for dead."""
RENEW_S = 15.0


class Lease(BaseModel):
    """Stored as `intakes/<job>` while its media are taken in."""

    model_config = ConfigDict(frozen=True)

    holder: str
    until: datetime


class IntakeLeases:
    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._leases = Collection(documents, "intakes", Lease)
        self._clock, self._holder = clock, uuid4().hex

    @contextlib.asynccontextmanager
    async def held(self, job: str) -> AsyncIterator[bool]:
        """Whether nobody else takes the job in for as long as the context lasts. Raises Unavailable."""
        if not await self._taken(job):
            yield False
            return
        renewing = asyncio.create_task(self._renewed(job))
        try:
            yield True
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            try:
                await self._given_back(job)
            except LipstageError as error:  # then it runs out
                log.warning("the lease on job %s was not given back: %s", job, error)

    async def _taken(self, job: str) -> bool:
        now = self._clock()
        mine = Lease(holder=self._holder, until=now + LEASE)

        def taken(newest: Lease) -> Lease:
            return mine if newest.holder == self._holder or newest.until < now else newest

        await self._leases.create_once(job, mine)
        try:
            return (await self._leases.change(job, taken)).holder == self._holder
        except ObjectMissing:  # its holder has just given it back
            return False

    async def _renewed(self, job: str) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._taken(job)
            except LipstageError as error:
                log.warning("the lease on job %s is renewed again in %.0f s: %s", job, RENEW_S, error)

    async def _given_back(self, job: str) -> None:
        lease = await self._leases.find(job)
        if lease and lease.holder == self._holder:
            await self._leases.delete(job)
