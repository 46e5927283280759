"""What the account's own jobs made, as a source of others: by a signed link to it, or as `job:` and the job's id."""

from typing import Final

from gateway.documents import Collection, Documents
from gateway.job_views import state_of
from gateway.links import Links
from gateway.submissions import Submission
from services.common import object_names
from services.common.errors import JobNotEnded, JobNotFound, UploadNotFound
from services.common.ports import JobStore
from services.common.progress import find

PREFIX: Final = "job:"


class Results:
    """Every method may raise Unavailable."""

    def __init__(self, documents: Documents, jobs: JobStore, *links: Links) -> None:
        """`links` are the kinds of addresses that results are given out under."""
        self._submissions = Collection(documents, "submissions", Submission)
        self._jobs, self._links = jobs, links

    async def named(self, account: str, source: str) -> str | None:
        """The object that the source means; None if it is something else than a result.

        A link is no permission by itself: the job must be the account's. Raises LinkInvalid, JobNotFound, JobNotEnded,
        and UploadNotFound for what was removed or is no result.
        """
        if source.startswith(PREFIX):
            return await self._made_by(account, source.removeprefix(PREFIX))
        name = self._linked(source)
        if name is None or not name.startswith(object_names.OUTPUTS):
            return None
        made = await self._made_by(account, name.split("/")[1])
        if made != name:
            raise UploadNotFound("This link leads to no video.")
        return made

    def _linked(self, url: str) -> str | None:
        return next((name for links in self._links if (name := links.name_in(url)) is not None), None)

    async def _made_by(self, account: str, job: str) -> str:
        submission = await self._submissions.find(f"{account}/{job}") if job.isalnum() else None
        if submission is None:
            raise JobNotFound(f"There is no job {job}.", job_id=job)
        record = await find(self._jobs, job)
        state = state_of(submission, record)
        if state != "completed" or record is None:
            raise JobNotEnded(f"Job {job} is {state}; only what a completed one made can be used.", job_id=job)
        if submission.deleted_at:
            raise UploadNotFound(f"What job {job} made is not kept any more.", job_id=job)
        return object_names.output(record)
