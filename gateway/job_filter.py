"""Which of an account's jobs a list is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.submissions import Dialect, Submission

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class JobFilter:
    """What is empty leaves nothing out."""

    created_after: datetime | None = None
    """Then or later. Both moments count to the millisecond."""
    created_before: datetime | None = None
    dialects: Sequence[Dialect] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Notes that a job must have, with these values."""

    def in_time(self, job: str) -> bool:
        """By the id alone, which begins with the time it was made at."""
        since, until = _digits(self.created_after), _digits(self.created_before)
        return (since is None or job[:12] >= since) and (until is None or job[:12] < until)

    def takes(self, submission: Submission) -> bool:
        """Whether it fits in everything but its time."""
        if self.dialects and submission.dialect not in self.dialects:
            return False
        return self.metadata.items() <= submission.request.metadata.items()


EVERY_JOB = JobFilter()


def _digits(moment: datetime | None) -> str | None:
    """The moment as ids begin with it."""
    return None if moment is None else f"{max(0, (moment - _EPOCH) // timedelta(milliseconds=1)):012x}"
