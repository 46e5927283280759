"""sync.so's words: what its callers ask, and how a job and an error are told them."""

import math
import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse

from gateway.dialects.refusals import Refusal
from gateway.dialects.wording import echoed, instant
from gateway.job_views import JobView, State
from gateway.submissions import JobRequest, Source, Submission, Webhook
from gateway.uploads import PREFIX
from services.common.errors import InvalidParameter, NotOffered
from services.common.messages import MAX_SEGMENTS, DubParameters, LengthPolicy, Span

_LENGTH: Final[dict[str, LengthPolicy]] = {
    "cut_off": "cut",
    "loop": "loop",
    "bounce": "bounce",
    "silence": "silence",
    "remap": "stretch",
}
_STATUS: Final[dict[State, str]] = {
    "created": "PENDING",
    "processing": "PROCESSING",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "canceled": "REJECTED",
}
STATES: Final[dict[str, State]] = {word: state for state, word in _STATUS.items()}
_CODES: Final = {"too_many_requests": "rate_limit_exceeded"}
"""sync.so's names for ours; others are called as we call them."""
_MODEL = re.compile(r"lipsync-[a-z0-9.-]+|sync-[0-9a-z.-]+|latentsync(-(?P<variant>1|15|16))?")


def _stretch(stretch: tuple[float, float]) -> tuple[float, float]:
    start_s, end_s = stretch
    if not 0 <= start_s < end_s < math.inf:
        raise ValueError("a segment must end after it begins")
    return stretch


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class VideoInput(BaseModel):
    type: Literal["video"]
    url: Source | None = None
    asset_id: str | None = Field(default=None, alias="assetId")
    segments_secs: Annotated[
        list[Annotated[tuple[float, float], AfterValidator(_stretch)]], Field(max_length=MAX_SEGMENTS)
    ] = []
    segments_frames: list[tuple[int, int]] = []


class AudioInput(BaseModel):
    type: Literal["audio"]
    url: Source | None = None
    asset_id: str | None = Field(default=None, alias="assetId")
    ref_id: str | None = Field(default=None, alias="refId")


class SpeechInput(BaseModel):
    type: Literal["text"]


Input = Annotated[VideoInput | AudioInput | SpeechInput, Field(discriminator="type")]


class ActiveSpeaker(BaseModel):
    auto_detect: bool = False
    frame_number: int | None = None
    coordinates: list[float] | None = None
    bounding_boxes: list[list[float] | None] | None = None


class Options(BaseModel):
    """What only other models than this one can do is passed over."""

    sync_mode: Literal["cut_off", "loop", "bounce", "silence", "remap"] | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    active_speaker_detection: ActiveSpeaker | None = None


class Asked(_Part):
    model: str
    input: list[Input]
    options: Options | None = None
    segments: list[Any] | None = None
    webhook_url: AnyHttpUrl | None = None
    output_file_name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,255}$")] | None = None

    @model_validator(mode="after")
    def _has_one_of_each(self) -> "Asked":
        kinds = [part.type for part in self.input]
        if kinds.count("video") != 1 or kinds.count("audio") != 1 or len(kinds) != 2:
            raise ValueError("input must hold one video and one audio; text to speech is not offered here")
        return self


def job_request(asked: Asked, defaults: DubParameters, served: tuple[str, ...]) -> JobRequest:
    """Raises InvalidParameter."""
    video = next(part for part in asked.input if isinstance(part, VideoInput))
    audio = next(part for part in asked.input if isinstance(part, AudioInput))
    if asked.segments or video.segments_frames:
        raise NotOffered("Segments with voices of their own, or in frames, are not offered here: use segments_secs.")
    options = asked.options or Options()
    changes: dict[str, Any] = {
        "variant": _variant(asked.model, defaults, served),
        "segments": tuple(Span(start_s=start, end_s=end) for start, end in video.segments_secs),
    }
    if options.sync_mode:
        changes["length"] = _LENGTH[options.sync_mode]
    if options.temperature is not None:
        changes["guidance_scale"] = 1 + options.temperature
    _check_speaker(options.active_speaker_detection)
    return JobRequest(
        video=_source(video),
        audio=_source(audio),
        parameters=defaults.model_copy(update=changes),
        webhook=Webhook(url=asked.webhook_url) if asked.webhook_url else None,
    )


def echo(asked: Asked) -> dict[str, Any]:
    told: dict[str, Any] = echoed(asked.model_dump(mode="json", by_alias=True, exclude_none=True))
    return told


def generation(view: JobView, submission: Submission) -> dict[str, Any]:
    """What answers hold, and the body of a webhook."""
    said, audio = submission.echo, submission.audio
    return {
        "id": view.id,
        "createdAt": instant(view.created_at),
        "status": _STATUS[view.state],
        "model": said.get("model", f"latentsync-{view.parameters.variant}"),
        "input": said.get("input", []),
        "options": said.get("options"),
        "segments": None,
        "webhookUrl": said.get("webhookUrl"),
        "outputUrl": view.output.url if view.output else None,
        "outputDuration": audio.duration_s if audio and view.output else None,
        "segmentOutputUrl": None,
        "error": view.error.message if view.error else None,
        "error_code": view.error.code if view.error else None,
    }


def refused(refusal: Refusal) -> JSONResponse:
    status = 400 if refusal.status == 422 else refusal.status
    named_key = any(part.loc[-1] == "idempotency-key" for part in refusal.wrong)
    code = "INVALID_IDEMPOTENCY_KEY" if named_key else _CODES.get(refusal.code, refusal.code)
    return JSONResponse(
        {"message": refusal.detail, "statusCode": status, "errorCode": code}, status, dict(refusal.headers)
    )


def _variant(model: str, defaults: DubParameters, served: tuple[str, ...]) -> str:
    found = _MODEL.fullmatch(model)
    variant = (found["variant"] if found else None) or defaults.variant
    if found is None or variant not in served:
        raise InvalidParameter(f"There is no model {model}; see GET /v2/models.", parameter="model")
    return variant


def _check_speaker(speaker: ActiveSpeaker | None) -> None:
    """A place is given in pixels of one frame, which are not known before the video is."""
    if speaker and (speaker.coordinates or speaker.bounding_boxes):
        raise NotOffered("Speakers are not chosen in pixels here: use auto_detect, or /v1alpha with `speaker`.")


def _source(part: VideoInput | AudioInput) -> str:
    if part.url:
        return part.url
    if part.asset_id:
        return f"{PREFIX}{part.asset_id}"
    raise InvalidParameter(f"The {part.type} needs a url or an assetId.")
