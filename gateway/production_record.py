"""What a production run has to have written down about one job, as programs read it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.job_views import State
from gateway.licences import Variant
from gateway.submissions import Consent, Dialect
from services.common.messages import DubParameters, JobError

Billed = Literal["charged", "refunded", "free", "not yet"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Route(Part):
    owner: str
    """Who runs the installation that the job ran on."""
    dialect: Dialect
    account: str
    key: str
    """Id of the key that asked for it."""


class ModelUsed(Part):
    variant: Variant
    name: str
    licence: str
    networks: dict[str, str]
    """SHA-256 of the checkpoint behind each network; empty before the pipeline was given the job."""
    pipeline: str
    """Version of the stages."""
    parameters: DubParameters


class Input(Part):
    source: str
    """Where it came from, without secrets."""
    sha256: str
    bytes: int
    duration_s: float
    stored_as: str
    """Name of the object it was uploaded to."""


class ConsentBasis(Part):
    id: str | None
    """None: the job rests on no recorded consent."""
    consent: Consent | None
    """As it was attested."""


class Marks(Part):
    watermark: str
    """What the dubbed frames carry, as `POST /v1alpha/verify` reads it: 16 hexadecimal digits."""
    consent_id: str
    label: bool
    """Dubbed frames also say “AI” for everybody to see."""


class Result(Part):
    object_name: str
    uri: str | None
    """None once the result was removed."""
    marks: Marks | None
    """How it is marked."""


class Failure(Part):
    error: JobError | None
    """Why the job failed."""
    restarts: int
    """How often its preprocessing was begun anew, because a worker was lost or handed the task back."""
    retries: dict[str, int]
    """How often one of its tasks had to wait for a server or was tried again, by the code of the reason.

    Tasks of lost workers are not among them; a reason that could not be noted at once is left out.
    """


class Billing(Part):
    owner: str
    """The account that pays."""
    plan: str
    state: Billed
    amount: int
    """Micro-dollars that were charged."""
    refunded: int
    """Micro-dollars of them that were given back."""
    currency: Literal["USD"] = "USD"
    seconds: float | None
    """What was metered."""
    ledger_entry: str | None
    ledger_sha256: str | None


class Retention(Part):
    seconds: int
    """From the job's end."""
    due_at: datetime | None
    """When inputs and result are removed at the latest; None while the job is open."""
    deleted_at: datetime | None
    removed: tuple[str, ...]
    """Names of the objects that were removed."""


class ProductionRecord(Part):
    job: str
    state: State
    created_at: datetime
    queued_at: datetime | None
    ended_at: datetime | None
    route: Route
    model: ModelUsed
    video: Input | None
    """None before it was stored."""
    audio: Input | None
    consent: ConsentBasis
    result: Result | None
    failure: Failure
    billing: Billing
    retention: Retention
    metadata: dict[str, str]
