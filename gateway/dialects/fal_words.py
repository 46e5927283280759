"""fal's words: what its callers ask, and how a job is told them."""

from typing import Any, Final, Literal

from pydantic import AnyHttpUrl, BaseModel, Field

from gateway.dialects.extras import Extras, drawn_seed
from gateway.dialects.fal_errors import failure, summary
from gateway.dialects.wording import instant, seconds_between
from gateway.job_views import JobView
from gateway.submissions import JobRequest, Source, Webhook
from services.common.messages import DubParameters, LengthPolicy

MODEL: Final = "fal-ai/latentsync"
_SEEDS: Final = 2**63
_LENGTH: Final[dict[str | None, LengthPolicy]] = {None: "cut", "pingpong": "bounce", "loop": "loop"}


class Asked(BaseModel):
    video_url: Source
    audio_url: Source
    guidance_scale: float = Field(default=1.0, ge=1, le=2)
    seed: int | None = None
    """None: by chance."""
    loop_mode: Literal["pingpong", "loop"] | None = None
    """What the video does when the voice is longer; None: the voice is cut off."""


def job_request(asked: Asked, webhook: AnyHttpUrl | None, extras: Extras, defaults: DubParameters) -> JobRequest:
    seed = drawn_seed(extras) if asked.seed is None else asked.seed % _SEEDS
    parameters = defaults.model_copy(
        update={"guidance_scale": asked.guidance_scale, "seed": seed, "length": _LENGTH[asked.loop_mode]}
    )
    return JobRequest(
        video=asked.video_url,
        audio=asked.audio_url,
        parameters=parameters,
        webhook=Webhook(url=webhook) if webhook else None,
    )


def addresses(job: str, base_url: str) -> dict[str, str]:
    address = f"{base_url}/fal/queue/{MODEL}/requests/{job}"
    return {"response_url": address, "status_url": f"{address}/status", "cancel_url": f"{address}/cancel"}


def status(view: JobView, base_url: str, with_logs: bool) -> dict[str, Any]:
    """`queue_position` and `logs` are there whether wanted or not: clients break without them."""
    told = {"request_id": view.id, **addresses(view.id, base_url)}
    if view.state == "created":
        return {"status": "IN_QUEUE", "queue_position": 0, **told}
    lines = _logs(view) if with_logs else None
    if not view.ended:
        return {"status": "IN_PROGRESS", "logs": lines, **told}
    metrics = {"inference_time": seconds_between(view.started_at, view.ended_at)}
    return {"status": "COMPLETED", "logs": lines, "metrics": metrics, **summary(view), **told}


def news(status: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A status whose logs are only those that are new: the JavaScript client puts a stream's logs together itself."""
    known = before.get("logs") or []
    lines = status.get("logs")
    return {**status, "logs": [line for line in lines if line not in known]} if lines else status


def output(view: JobView) -> dict[str, Any]:
    """Of a completed job."""
    if view.output is None:
        return {"video": None}
    return {
        "video": {
            "url": view.output.url,
            "content_type": view.output.content_type,
            "file_name": view.output.filename,
            "file_size": None,
        }
    }


def notification(view: JobView) -> dict[str, Any]:
    """A webhook's body."""
    told = {"request_id": view.id, "gateway_request_id": view.id}
    if view.state == "completed":
        return {**told, "status": "OK", "payload": output(view), "error": None}
    why = failure(view)
    return {**told, "status": "ERROR", "payload": why.body, "error": f"Invalid status code: {why.status}"}


def _logs(view: JobView) -> list[dict[str, str]]:
    begun = view.started_at or view.created_at
    return [
        {
            "timestamp": instant(begun),
            "level": "INFO",
            "source": "USER",
            "message": f"{stage.stage}: {round(100 * stage.done)}%",
        }
        for stage in view.progress
    ]
