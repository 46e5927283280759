"""Replicate's words: what its callers ask, and how a job and an error are told them."""

import hashlib
import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, Field
from starlette.responses import JSONResponse

from gateway.dialects.extras import Extras, drawn_seed
from gateway.dialects.refusals import Refusal
from gateway.dialects.wording import echoed, instant, seconds_between
from gateway.job_views import JobView, State
from gateway.submissions import JobRequest, Moment, Source, Submission, Webhook
from services.common.messages import DubParameters

OWNER, NAME = "bytedance", "latentsync"
MODEL: Final = f"{OWNER}/{NAME}"
VERSION: Final = hashlib.sha256(MODEL.encode()).hexdigest()
"""Of callers who name none: not one of Replicate's own, all of which are taken as well."""
_VERSION = re.compile(rf"(?:(?P<name>{MODEL}):?)?(?P<hash>[0-9a-f]{{64}})?")
_SEEDS: Final = 2**63
_BAR_WIDTH: Final = 10

Status = Literal["starting", "processing", "succeeded", "failed", "canceled"]
Event = Literal["start", "output", "logs", "completed"]
_MOMENTS: Final[dict[Event, Moment]] = {"start": "started", "output": "ended", "completed": "ended"}
"""There is one output, so it and the end are the same message. Logs are not told."""
_STATUS: Final[dict[State, Status]] = {
    "created": "starting",
    "processing": "processing",
    "completed": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}


def _known_version(version: str) -> str:
    """A hash, `owner/name` or `owner/name:hash`; which hash does not matter, there is one model."""
    found = _VERSION.fullmatch(version)
    if not version or found is None:
        raise ValueError(f"there is no such version; use {MODEL} or one of its 64 hexadecimal digits")
    return found["hash"] or VERSION


class Input(BaseModel):
    video: Source
    audio: Source
    guidance_scale: float = Field(default=1.0, ge=0, le=10)
    seed: int = 0
    """0, or less: by chance."""


class Asked(BaseModel):
    input: Input
    webhook: AnyHttpUrl | None = None
    webhook_events_filter: list[Event] | None = None


class AskedOfVersion(Asked):
    version: Annotated[str, AfterValidator(_known_version)]


def job_request(asked: Asked, extras: Extras, defaults: DubParameters, cancel_after_s: int | None) -> JobRequest:
    given = asked.input
    seed = given.seed % _SEEDS if given.seed > 0 else drawn_seed(extras)
    parameters = defaults.model_copy(update={"guidance_scale": given.guidance_scale, "seed": seed})
    return JobRequest(
        video=given.video,
        audio=given.audio,
        parameters=parameters,
        webhook=_webhook(asked),
        cancel_after_s=cancel_after_s,
    )


def echo(asked: Asked, version: str) -> dict[str, Any]:
    return {"input": echoed(asked.input.model_dump(mode="json")), "version": version}


def prediction(view: JobView, submission: Submission, base_url: str, *, held: bool = False) -> dict[str, Any]:
    """`held`: the answer to a request that waited; its client takes everything but `starting` for an end."""
    address = f"{base_url}/v1/predictions/{view.id}"
    return {
        "id": view.id,
        "model": MODEL,
        "version": submission.echo.get("version", VERSION),
        "input": submission.echo.get("input", {}),
        "output": view.output.url if view.output else None,
        "logs": logs(view),
        "error": view.error.message if view.error else None,
        "status": "starting" if held and not view.ended else _STATUS[view.state],
        "created_at": instant(view.created_at),
        "started_at": instant(view.started_at) if view.started_at else None,
        "completed_at": instant(view.ended_at) if view.ended_at else None,
        "data_removed": view.deleted_at is not None,
        "source": "api",
        "metrics": _metrics(view),
        "urls": {"get": address, "cancel": f"{address}/cancel", "stream": f"{address}/stream", "web": address},
    }


def logs(view: JobView) -> str:
    """Progress as a line of tqdm's, which the clients draw their bars from."""
    parts = next((part.parts for part in view.progress if part.stage == "denoise"), None)
    if not parts:
        return ""
    done = next(part.done for part in view.progress if part.stage == "denoise")
    bar = "█" * round(done * _BAR_WIDTH)
    return f"{round(100 * done):3d}%|{bar:<{_BAR_WIDTH}}| {round(done * parts)}/{parts} [chunks]\n"


def refused(refusal: Refusal) -> JSONResponse:
    if refusal.status == 429:
        wait_s = refusal.headers.get("Retry-After", "1")
        detail = f"Request was throttled. Your rate limit resets in ~{wait_s}s."
        return JSONResponse({"detail": detail, "status": 429}, 429, dict(refusal.headers))
    body: dict[str, Any] = {"title": refusal.code, "detail": refusal.detail, "status": refusal.status}
    if refusal.wrong:
        body["invalid_fields"] = [
            {"type": part.type, "field": ".".join(map(str, part.loc[1:])), "description": part.msg}
            for part in refusal.wrong
        ]
    return JSONResponse(body, refusal.status, dict(refusal.headers), "application/problem+json")


def _webhook(asked: Asked) -> Webhook | None:
    """An empty filter is none."""
    wanted = {_MOMENTS[event] for event in asked.webhook_events_filter or ("completed",) if event in _MOMENTS}
    if asked.webhook is None or not wanted:
        return None
    return Webhook(url=asked.webhook, events=tuple(sorted(wanted, reverse=True)))


def _metrics(view: JobView) -> dict[str, float]:
    if not view.ended_at:
        return {}
    return {
        "predict_time": seconds_between(view.started_at, view.ended_at),
        "total_time": seconds_between(view.created_at, view.ended_at),
    }
