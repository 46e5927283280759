"""What the commands say of a job, wherever it runs."""

from dataclasses import dataclass, field
from typing import Literal

from services.common.messages import JobError, JobRecord


@dataclass(frozen=True)
class Parts:
    """How far a stage is."""

    done: int = 0
    all: int | None = None
    """None while it is not known."""

    def __str__(self) -> str:
        return f"{self.done}/{'?' if self.all is None else self.all}"


@dataclass(frozen=True)
class JobSummary:
    id: str
    state: Literal["created", "processing", "completed", "failed", "canceled"]
    error: JobError | None = None
    chunks: Parts = Parts()
    segments: Parts = Parts()
    timings_s: dict[str, float] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line."""
        if self.state == "failed" and self.error:
            return f"failed [{self.error.code}]: {self.error.message}"
        if self.state != "processing":
            return self.state
        return f"processing: {self.chunks} chunks, {self.segments} segments"


def summary_of(record: JobRecord) -> JobSummary:
    encoded = sum(segment.status == "done" for segment in record.segments.values())
    return JobSummary(
        id=record.id,
        state=record.state,
        error=record.error,
        chunks=Parts(len(record.chunks_done), record.chunks if record.preprocessed else None),
        segments=Parts(encoded, len(record.segments) if record.preprocessed else None),
        timings_s=record.timings_s,
        outcomes=record.outcomes,
    )
