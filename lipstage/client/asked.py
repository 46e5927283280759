"""What can be asked of a job beside its video and audio; what is not given has the service's default."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict


class Span(TypedDict):
    start_s: float
    end_s: float


class OutputParameters(TypedDict, total=False):
    suffix: Literal[".mp4", ".mov", ".mkv", ".webm"]
    codec: Literal["auto", "h264", "hevc", "av1"]
    crf: int
    preset: Literal["ultrafast", "veryfast", "fast", "medium", "slow", "veryslow"]


class Consent(TypedDict, total=False):
    attested_by: str
    basis: str
    scope: str
    expires_at: datetime
    evidence_sha256: str


class Parameters(TypedDict, total=False):
    """What changes the output."""

    variant: Literal["1", "15", "16"]
    mode: Literal["studio", "reference"]
    seed: int
    steps: int
    scheduler: Literal["ddim", "dpm++"]
    guidance_scale: float
    guidance_interval: tuple[float, float]
    deepcache_interval: int
    length: Literal["cut", "loop", "bounce", "silence", "stretch"]
    segments: Sequence[Span]
    speaker: str
    output: OutputParameters


class Asked(Parameters, total=False):
    """Everything of it."""

    priority: Literal["high", "normal", "low"]
    consent: Consent
    consent_id: str
    label: bool
    retention_s: int
    webhook: str
    """Where the job's end is posted to."""
    webhook_events: Sequence[Literal["started", "ended"]]
    """What is told there, if not the end alone."""
    start_within_s: float
    """The job fails if the stages have not been given it this long after its creation."""
    cancel_after_s: float
    """The job is canceled if it has not ended this long after its creation."""
    metadata: Mapping[str, str]


class Which(TypedDict, total=False):
    """Which of the caller's jobs are listed."""

    created_after: datetime
    """Then or later. Moments carry their time zone."""
    created_before: datetime
    dialects: Sequence[Literal["native", "wavespeed", "fal", "replicate", "sync"]]
    metadata: Mapping[str, str]
    """Notes that a job has, with these values."""


def body_of(video: str, audio: str, asked: Asked) -> dict[str, Any]:
    """The request as the gateway takes it. What it does not know is left for the gateway to refuse."""
    options = {name: value for name, value in asked.items() if name in _OPTIONS}
    parameters = {name: value for name, value in asked.items() if name not in _OPTIONS}
    if "webhook" in options:
        told = {"events": options.pop("webhook_events")} if "webhook_events" in options else {}
        options["webhook"] = {"url": options["webhook"], **told}
    return {"video": video, "audio": audio, "parameters": parameters, **options}


def query_of(states: Sequence[str], which: Which) -> dict[str, Any]:
    query: dict[str, Any] = {"states": list(states), "dialects": list(which.get("dialects", ()))}
    query["metadata"] = [f"{name}={value}" for name, value in which.get("metadata", {}).items()]
    moments = {"created_after": which.get("created_after"), "created_before": which.get("created_before")}
    return query | {name: moment.isoformat() for name, moment in moments.items() if moment}


_OPTIONS = Asked.__annotations__.keys() - Parameters.__annotations__.keys()
