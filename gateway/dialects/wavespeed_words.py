"""WaveSpeed's words: what its callers ask, and how a job and an error are told them."""

from typing import Any

from pydantic import AnyHttpUrl, BaseModel
from starlette.responses import JSONResponse

from gateway.dialects.refusals import Refusal
from gateway.dialects.wording import instant, seconds_between
from gateway.job_views import JobView
from gateway.submissions import JobRequest, Source, Webhook
from services.common.messages import DubParameters

MODEL = "bytedance/latentsync"
SYNC_TIMEOUT_CODE = 5004
_STATUS = {"canceled": "cancelled"}
"""The others are called the same."""


class Asked(BaseModel):
    """Fields that are not known are passed over, as WaveSpeed does."""

    video: Source
    audio: Source
    enable_sync_mode: bool = False


def job_request(asked: Asked, webhook: AnyHttpUrl | None, defaults: DubParameters) -> JobRequest:
    return JobRequest(
        video=asked.video, audio=asked.audio, parameters=defaults, webhook=Webhook(url=webhook) if webhook else None
    )


def task(view: JobView, base_url: str) -> dict[str, Any]:
    """What answers hold as `data`, and the whole body of a webhook."""
    outputs = [view.output.url] if view.output else []
    took_ms = round(1000 * seconds_between(view.started_at, view.ended_at))
    return {
        "id": view.id,
        "model": MODEL,
        "outputs": outputs,
        "urls": {"get": f"{base_url}/api/v3/predictions/{view.id}/result"},
        "has_nsfw_contents": [False] * len(outputs),
        "status": "deleted" if view.deleted_at else _STATUS.get(view.state, view.state),
        "created_at": instant(view.created_at),
        "error": view.error.message if view.error else "",
        "timings": {"inference": took_ms},
        "executionTime": took_ms,
    }


def timed_out(view: JobView, base_url: str) -> dict[str, Any]:
    """A job that is still running at the end of the time a request is held open for."""
    told = task(view, base_url)
    error = f"Sync mode timed out. Query the result later at: {told['urls']['get']}"
    return {**told, "status": "processing", "error": error, "code": SYNC_TIMEOUT_CODE}


def envelope(data: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": data}


def refused(refusal: Refusal) -> JSONResponse:
    return JSONResponse({"code": refusal.status, "message": refusal.detail}, refusal.status, dict(refusal.headers))
