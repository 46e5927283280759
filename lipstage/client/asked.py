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
    metadata: Mapping[str, str]


def body_of(video: str, audio: str, asked: Asked) -> dict[str, Any]:
    """The request as the gateway takes it. What it does not know is left for the gateway to refuse."""
    options = {name: value for name, value in asked.items() if name in _OPTIONS}
    parameters = {name: value for name, value in asked.items() if name not in _OPTIONS}
    if "webhook" in options:
        options["webhook"] = {"url": options["webhook"]}
    return {"video": video, "audio": audio, "parameters": parameters, **options}


_OPTIONS = Asked.__annotations__.keys() - Parameters.__annotations__.keys()
