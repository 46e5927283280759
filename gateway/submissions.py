"""What a caller asks, and what the gateway knows about a job besides the pipeline's own record."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AnyHttpUrl, AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from gateway.billing.plans import Plan
from services.common.messages import DubParameters, JobError, Number, Priority, Whole
from services.common.new_job import Content

Dialect = Literal["native", "wavespeed", "fal", "replicate", "sync"]
MAX_RETENTION_S = 365 * 24 * 3600
MAX_DEADLINE_S = 30 * 24 * 3600
MAX_ADDRESS = 8192
"""Characters of a source that is no data URI."""


def _of_an_address_length(source: str) -> str:
    if len(source) > MAX_ADDRESS and not source.startswith("data:"):
        raise ValueError(f"a source that is no data URI has at most {MAX_ADDRESS} characters")
    return source


Source = Annotated[
    str,
    Field(min_length=1, examples=["https://example.com/talk.mp4", "upload:0192f0c1…"]),
    AfterValidator(_of_an_address_length),
]
"""A URL, a data URI, `upload:` and the id of an upload, or `job:` and the id of a job whose result is meant."""
Deadline = Annotated[Number, Field(gt=0, le=MAX_DEADLINE_S)]
"""Seconds, counted from the job's creation."""
Moment = Literal["started", "ended"]
NoteKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Consent(Asked):
    """The attested agreement of the people whose face and voice are used."""

    attested_by: str = Field(min_length=1, max_length=200)
    basis: str = Field(min_length=1, max_length=500, examples=["contract"])
    scope: str = Field(default="", max_length=500)
    expires_at: AwareDatetime | None = None
    evidence_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")


class Webhook(Asked):
    url: AnyHttpUrl
    """Where the job's end is posted to."""
    events: Annotated[tuple[Moment, ...], Field(min_length=1, max_length=2)] = ("ended",)
    """What is told there: that the stages have been given the job, and its end."""


class JobRequest(Asked):
    """One job, as every dialect asks for it in the end."""

    video: Source
    audio: Source
    parameters: DubParameters = DubParameters()
    priority: Priority = "normal"
    consent: Consent | None = None
    consent_id: str | None = Field(default=None, max_length=64)
    """A consent recorded before; not together with `consent`."""
    label: StrictBool = False
    """Draw a small visible label on dubbed frames."""
    retention_s: Whole | None = Field(default=None, ge=0, le=MAX_RETENTION_S)
    """How long media and result are kept after the job's end; None = as the account or the installation does."""
    webhook: Webhook | None = None
    start_within_s: Deadline | None = None
    """The job fails if the stages have not been given it by then; None = it waits for its turn as long as it takes."""
    cancel_after_s: Deadline | None = None
    """The job is canceled if it has not ended by then; None = it takes as long as it takes."""
    metadata: dict[NoteKey, Annotated[str, Field(max_length=500)]] = Field(default={}, max_length=32)


class StoredMedia(BaseModel):
    """An input, once it is in the media store."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    suffix: str
    bytes: int
    duration_s: float
    source: str
    """Where it came from, with no secrets in it: the URL without its query, or `upload:…`."""

    @property
    def content(self) -> Content:
        return Content(self.sha256, self.suffix)


class Submission(BaseModel):
    """Stored as `submissions/<account>/<job>`."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    key: str
    dialect: Dialect = "native"
    created_at: datetime
    request: JobRequest
    """Data URIs are replaced by uploads before it is stored."""
    echo: dict[str, Any] = {}
    """The caller's own words, for dialects that give them back."""
    price_plan: Plan
    """Its terms as they were agreed."""
    consent: str | None = None
    """Id of the consent it rests on."""
    retention_s: int
    video: StoredMedia | None = None
    audio: StoredMedia | None = None
    queued_at: datetime | None = None
    """When the pipeline was given the job."""
    canceled: bool = False
    """The caller wants no result; set before the pipeline knows of the job, or with it."""
    error: JobError | None = None
    """Why the job failed before the pipeline was given it."""
    ended_at: datetime | None = None
    """When the end was settled: charged, told, and its retention begun."""
    deleted_at: datetime | None = None
    """When its media and result were removed."""
    removed: tuple[str, ...] = ()
    """Names of the objects that were removed, as proof."""

    @property
    def called_off(self) -> bool:
        """Whether the stages are not to have it, or not to go on with it."""
        return self.canceled or self.error is not None

    @property
    def waiting(self) -> bool:
        """Until the stages have been given it, or it is called off before."""
        return self.queued_at is None and not self.called_off


class OpenJob(BaseModel):
    """Stored as `open/<job>` from submission until the job's end is settled."""

    model_config = ConfigDict(frozen=True)

    account: str
    id: str
