"""The times that callers set for their jobs: to have begun, to have ended.

They count from the job's creation, so whoever follows the job keeps them, also after a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.documents import Collection, Documents
from gateway.ending import Ending
from gateway.settling import Settling
from gateway.submissions import Submission
from services.common.errors import StartTimeout


class Deadlines:
    def __init__(self, documents: Documents, ending: Ending, settling: Settling, clock: Clock) -> None:
        self._submissions = Collection(documents, "submissions", Submission)
        self._ending, self._settling, self._clock = ending, settling, clock

    async def keep(self, account: str, job: str) -> None:
        """Returns when none is left. Raises Unavailable; may be done again then."""
        submission = await self._submissions.get(f"{account}/{job}")
        for moment, end in sorted(self._moments(submission), key=lambda pair: pair[0]):
            await asyncio.sleep((moment - self._clock()).total_seconds())
            await end(submission)
            # Who follows the job may be waiting for its turn.
            await self._settling.settle(account, job)

    def _moments(self, submission: Submission) -> list[tuple[datetime, Callable[[Submission], Awaitable[None]]]]:
        request, created_at = submission.request, submission.created_at
        moments = [(request.start_within_s, self._fail), (request.cancel_after_s, self._cancel)]
        return [(created_at + timedelta(seconds=after_s), end) for after_s, end in moments if after_s is not None]

    async def _fail(self, submission: Submission) -> None:
        error = StartTimeout(f"The job had not begun {submission.request.start_within_s:g} s after it was asked for.")
        await self._ending.fail(submission.account, submission.id, error)

    async def _cancel(self, submission: Submission) -> None:
        await self._ending.cancel(submission.account, submission.id)
