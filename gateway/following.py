"""Every open job is followed from its submission until its end is settled, also over restarts."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.deadlines import Deadlines
from gateway.documents import Collection, Documents
from gateway.intake import Intake
from gateway.settling import Settling
from gateway.submissions import OpenJob, Submission
from services.common.errors import LipstageError, ObjectMissing
from services.common.ports import Bus

log = logging.getLogger(__name__)

SCAN_S = 30.0
"""How often jobs are looked for that nobody may be following."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
_AT_ONCE = 16
"""Jobs whose media are taken in at the same time."""


class Following:
    """Each gateway follows the jobs it was given; what another one left behind is taken up by the next scan.

    Two gateways may follow the same job: everything that is done for it may be done twice, but its media are taken in
    by one of them at a time.
    """

    def __init__(
        self, documents: Documents, bus: Bus, intake: Intake, deadlines: Deadlines, settling: Settling, clock: Clock
    ) -> None:
        self._open = Collection(documents, "open", OpenJob)
        self._bus, self._intake, self._deadlines, self._settling = bus, intake, deadlines, settling
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._taking_in = asyncio.Semaphore(_AT_ONCE)

    def follow(self, account: str, job: str) -> None:
        """Returns at once."""
        if job in self._tasks:
            return
        task = asyncio.create_task(self._follow(account, job))
        self._tasks[job] = task
        task.add_done_callback(lambda _: self._tasks.pop(job, None))

    async def serve(self, closing: asyncio.Event) -> None:
        """Looks for jobs to follow until `closing` is set; what is under way is left to whoever looks next."""
        newest = self._clock()
        try:
            while not closing.is_set():
                try:
                    for job in self._begun_before(newest, await self._open.keys()):
                        if (found := await self._open.find(job)) is not None:
                            self.follow(found.account, found.id)
                except LipstageError as error:
                    log.warning("jobs that nobody follows are looked for again: %s [%s]", error, error.code)
                newest = self._clock() - timedelta(seconds=SCAN_S)
                await _wait(closing, SCAN_S)
        finally:
            following = list(self._tasks.values())
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    def _begun_before(self, moment: datetime, jobs: Iterable[str]) -> list[str]:
        """Ids begin with their time of creation in milliseconds."""
        return [job for job in jobs if job not in self._tasks and int(job[:12], 16) < moment.timestamp() * 1000]

    async def _follow(self, account: str, job: str) -> None:
        async with asyncio.TaskGroup() as both:
            deadlines = both.create_task(self._patiently(self._deadlines.keep, account, job))
            await self._patiently(self._to_the_end, account, job)
            deadlines.cancel()

    async def _patiently(self, step: Callable[[str, str], Awaitable[None]], account: str, job: str) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await step(account, job)
            except ObjectMissing:
                log.info("job %s was submitted by half and is dropped", job)
                await self._open.delete(job)
                return
            except LipstageError as error:
                log.warning("job %s is followed again in %.1f s: %s [%s]", job, pause_s, error, error.code)
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _to_the_end(self, account: str, job: str) -> None:
        async with self._turns[account]:  # first come, first served; only the first of an account looks for a place
            await self._intake.await_turn(account, job)
        while (submission := await self._taken_in(account, job)) is None:
            await asyncio.sleep(FIRST_PAUSE_S)
        await self._settling.tell_start(submission)
        async with self._bus.events(job) as events:
            if await self._settling.settle(account, job):  # a bus in memory knows of no end before a restart
                return
            async for _ in events:
                pass
        while not await self._settling.settle(account, job):
            await asyncio.sleep(FIRST_PAUSE_S)

    async def _taken_in(self, account: str, job: str) -> Submission | None:
        async with self._taking_in:
            return await self._intake.take(account, job)


async def _wait(closing: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return
