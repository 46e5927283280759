"""What the gateway answers. Fields that a newer gateway adds are passed over."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["created", "processing", "completed", "failed", "canceled"]
Stage = Literal["preprocess", "denoise", "composite"]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageProgress(Answer):
    stage: Stage
    done: float
    """0 to 1."""
    parts: int | None = None
    """Chunks (denoise) or segments (composite); None while that is not known yet."""


class Output(Answer):
    url: str
    """Needs no key, and expires."""
    expires_at: datetime
    content_type: str
    filename: str


class JobError(Answer):
    code: str
    message: str


class Charge(Answer):
    amount_usd: str
    seconds: float
    plan: str


class Job(Answer):
    """A job as it was when the gateway was asked."""

    id: str
    state: State
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: JobError | None = None
    parameters: dict[str, Any]
    """As used: with every default filled in."""
    priority: str
    progress: tuple[StageProgress, ...] = ()
    output: Output | None = None
    report_url: str | None = None
    timings_s: dict[str, float] = {}
    """Seconds spent, by stage."""
    outcomes: dict[str, int] = {}
    """Output frames by what became of them."""
    metadata: dict[str, str] = {}
    charge: Charge | None = None
    consent_id: str | None = None
    deleted_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed", "canceled")


class Progress(Answer):
    """A part of one stage has advanced."""

    stage: Stage
    part: int
    """The chunk (denoise) or segment (composite)."""
    done: float
    """How much of the part is done, 0 to 1."""
    parts: int | None = None


class JobPage(Answer):
    jobs: tuple[Job, ...]
    next_cursor: str | None = None


class Upload(Answer):
    id: str
    source: str
    """What a job names it by: give it as video or audio."""
    bytes: int
    sha256: str
    content_type: str
    filename: str
    expires_at: datetime
    probe: dict[str, Any]
    """What the file holds."""


class Face(Answer):
    """Tight around a face, in pixels of the upright picture."""

    x: float
    y: float
    w: float
    h: float


class Faces(Answer):
    """Who can be seen in one frame of a video."""

    width: int
    height: int
    at_s: float
    """When the frame is shown."""
    faces: tuple[Face, ...]
    """Largest first."""

    def speaker(self, face: Face) -> str:
        """What a job is asked for by to have this face dubbed."""
        return f"point:{(face.x + face.w / 2) / self.width:.4f},{(face.y + face.h / 2) / self.height:.4f}"


class Estimate(Answer):
    """What is None is not known yet."""

    plan: str
    currency: str
    voice_s: float | None
    output_s: float | None
    amount: int | None
    """Millionths of a dollar, if the job completes; otherwise it costs nothing."""
    processing_s: float | None
    queue_wait_s: float | None


class UsageOfDay(Answer):
    day: date
    jobs: int
    seconds: float
    charged: int
    """Millionths of a dollar."""
    credited: int


class Usage(Answer):
    account: str
    start: datetime
    end: datetime
    jobs: int
    seconds: float
    charged: int
    """Millionths of a dollar."""
    credited: int
    days: tuple[UsageOfDay, ...]
