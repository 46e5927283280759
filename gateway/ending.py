"""Jobs that end before the stages are done with them: somebody wants it so, or it cannot be otherwise."""

import contextlib

from gateway.documents import Collection, Documents
from gateway.submissions import Submission
from services.common.errors import LipstageError, ObjectMissing
from services.common.messages import JobError, JobEvent
from services.common.ports import Bus, JobStore
from services.common.progress import cancel


class Ending:
    """All of it may be done twice, at the same time as anything else. All methods may raise Unavailable."""

    def __init__(self, documents: Documents, bus: Bus, jobs: JobStore) -> None:
        self._submissions = Collection(documents, "submissions", Submission)
        self._bus, self._jobs = bus, jobs

    async def cancel(self, account: str, job: str) -> None:
        """One that has ended stays as it is."""
        canceled = {"canceled": True}
        await self._submissions.change(f"{account}/{job}", lambda newest: newest.model_copy(update=canceled))
        try:
            await cancel(self._jobs, self._bus, job)
        except ObjectMissing:  # if the record is being created now, its creator sees the wish and cancels it
            await self._bus.announce(JobEvent(job_id=job, state="canceled"))

    async def fail(self, account: str, job: str, error: LipstageError) -> Submission:
        """Ends a job that the stages have not been given; one that they have goes on."""
        reason = JobError(code=error.code, message=str(error))

        def failed(newest: Submission) -> Submission:
            return newest.model_copy(update={"error": reason}) if newest.waiting else newest

        submission = await self._submissions.change(f"{account}/{job}", failed)
        if submission.error:
            await self._bus.announce(JobEvent(job_id=job, state="failed"))
        return submission

    async def call_off(self, job: str) -> None:
        """Stops the stages, if they have a job that was called off."""
        with contextlib.suppress(ObjectMissing):
            await cancel(self._jobs, self._bus, job)
