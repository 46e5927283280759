"""What the policy answers, as programs read it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.billing.plans import Plan
from gateway.licences import Licence, Weights
from gateway.submissions import MAX_RETENTION_S


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConsentPolicy(Part):
    required: bool
    """A job without a valid consent is refused."""
    default: bool
    """The account has a consent that jobs rest on which name none."""
    accepted_as: tuple[str, ...] = ("consent", "consent_id", "X-Consent-Id")
    what: str = (
        "The attested agreement of every person whose face or voice is used: who attests it, on what basis, for what, "
        "until when, and the hash of the evidence."
    )
    kept: str = "In an append-only log, also after the media are deleted."


class Kept(Part):
    what: str
    seconds: int | None
    """None = for good."""
    after: str


class RetentionPolicy(Part):
    items: tuple[Kept, ...]
    at_most_late_s: float
    """How long after its time something may still be there."""
    max_retention_s: int = MAX_RETENTION_S
    per_job: Literal["retention_s"] = "retention_s"
    """The field of a job that shortens or lengthens it."""
    on_request: str = "DELETE on an ended job removes its media and result at once."
    proof: str = "The job's record names every object that was removed, and when; inputs are named by their SHA-256."


class RightsPolicy(Part):
    code: Licence
    weights: tuple[Weights, ...]
    auxiliary_weights: tuple[Licence, ...]
    media: str
    output: str


class InputLimits(Part):
    max_audio_s: float
    max_video_s: float
    max_streams: int
    max_bytes: int
    """Of one video or voice."""
    max_side_px: int
    max_area_px: int
    min_video_frames: int = 2
    containers: tuple[str, ...]
    """By FFmpeg's names."""
    sources: tuple[str, ...] = ("https", "http", "data", "upload", "job")


class PriceExample(Part):
    seconds: int
    amount: int


class BillingPolicy(Part):
    owner: str
    """Whose account pays."""
    currency: Literal["USD"] = "USD"
    unit: Literal["micro-dollar"] = "micro-dollar"
    plan: Plan
    examples: tuple[PriceExample, ...]
    completed: str = "Charged once, when the job has completed."
    failed: Literal["free"] = "free"
    canceled: Literal["free"] = "free"
    retries: Literal["free"] = "free"
    partial: str = "There are no partial results: a job completes with all of its frames, or it is free."


class Support(Part):
    path: str
    quote: tuple[str, ...] = ("job id", "error code")
    """What to name when asking."""


class ProvenanceMarks(Part):
    content_credentials: bool
    """Signed C2PA metadata in every result whose container has a place for it: not in .mkv and .webm."""
    watermark: bool
    """An imperceptible mark with the job's id on dubbed frames."""
    visible_label: Literal["on request"] = "on request"
    verify: str = "POST /v1alpha/verify reads both marks of a file."


class Policy(Part):
    format: Literal["lipstage.policy/1"] = "lipstage.policy/1"
    revision: str = ""
    """SHA-256 of everything else: it changes when an answer does."""
    route_owner: str
    consent: ConsentPolicy
    retention: RetentionPolicy
    rights: RightsPolicy
    input_limits: InputLimits
    billing: BillingPolicy
    support: Support
    provenance: ProvenanceMarks
