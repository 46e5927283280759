"""Errors in fal's words: a list of details for what is wrong with a request or its media, a sentence for the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import JSONResponse

from gateway.dialects.refusals import Refusal, Wrong
from gateway.job_views import JobView

FAILED: Final = 422
_BAD_REQUEST, _CANCELED, _INTERNAL, _TIMED_OUT = 400, 499, 500, 504
_PAGE: Final = "https://docs.fal.ai/errors#"
_TYPES: Final = {
    "audio_too_long": "audio_duration_too_long",
    "audio_empty": "audio_duration_too_short",
    "video_too_short": "video_duration_too_short",
    "video_too_long": "video_duration_too_long",
    "media_too_large": "file_too_large",
    "media_not_found": "file_download_error",
    "url_forbidden": "file_download_error",
    "url_unreachable": "file_download_error",
    "url_timeout": "file_download_error",
    "upload_not_found": "file_download_error",
    "link_invalid": "file_download_error",
    "no_face": "face_detection_error",
    "speaker_not_found": "face_detection_error",
    "no_audio_stream": "unsupported_audio_format",
    "no_video_stream": "unsupported_video_format",
    "media_unreadable": "unsupported_video_format",
    "media_truncated": "unsupported_video_format",
    "media_empty": "unsupported_video_format",
    "internal": "internal_error",
    "literal_error": "one_of",
}
"""fal's names for ours and pydantic's; others are called as we call them."""
_RETRIED_BY_CLIENTS: Final = (408, 409)
"""They would send the same again, up to ten times; nothing here gets better by that."""
_OURS: Final = ("internal", "unavailable", "disk_full", "model_error")
"""Failures that lie with the servers, not with what the caller sent."""
_QUOTED = re.compile("'([^']*)'")


@dataclass(frozen=True)
class Failure:
    """Why a job has no result, as the answer that says so."""

    status: int
    body: dict[str, Any]
    retryable: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(refusal: Refusal) -> JSONResponse:
    status = FAILED if refusal.status in _RETRIED_BY_CLIENTS else refusal.status
    headers = {**refusal.headers, "X-Fal-Retryable": _told(refusal.retryable)}
    if refusal.wrong and all(part.loc[0] == "header" for part in refusal.wrong):
        return _flat(_BAD_REQUEST, "bad_request", refusal.detail, headers)
    if refusal.wrong:
        return JSONResponse({"detail": [_wrong(part) for part in refusal.wrong]}, status, headers)
    if status == FAILED:
        return JSONResponse({"detail": [_detail(refusal.code, refusal.detail)]}, status, headers)
    return _flat(status, _TYPES.get(refusal.code, refusal.code), refusal.detail, headers)


def failed(view: JobView) -> JSONResponse:
    """The result of a job that has none."""
    return _answer(view, failure(view))


def late(view: JobView) -> JSONResponse:
    """A job that goes on longer than its caller is let wait for it."""
    detail = _detail("generation_timeout", "The request was held open as long as it can be; its job goes on.")
    return _answer(view, Failure(_TIMED_OUT, {"detail": [detail]}))


def failure(view: JobView) -> Failure:
    """Of a job that was canceled or failed."""
    if view.error is None:
        return _of_request(_CANCELED, "client_cancelled", "Request was cancelled")
    if view.error.code == "start_timeout":
        by_caller = {"X-Fal-Request-Timeout-Type": "user"}
        return _of_request(_TIMED_OUT, "request_timeout", view.error.message, by_caller)
    if view.error.code in _OURS:
        return Failure(_INTERNAL, {"detail": [_detail("internal_server_error", view.error.message)]}, retryable=True)
    return Failure(FAILED, {"detail": [_detail(view.error.code, view.error.message)]})


def summary(view: JobView) -> dict[str, str]:
    """What a status tells of a failure; nothing of a success."""
    if view.state == "completed":
        return {}
    told = failure(view).body
    if "error_type" in told:
        return {"error": told["detail"], "error_type": told["error_type"]}
    return {"error": told["detail"][0]["msg"], "error_type": told["detail"][0]["type"]}


def _answer(view: JobView, why: Failure) -> JSONResponse:
    headers = {**why.headers, "X-Fal-Retryable": _told(why.retryable), "x-fal-request-id": view.id}
    return JSONResponse(why.body, why.status, headers)


def _of_request(status: int, kind: str, sentence: str, headers: Mapping[str, str] | None = None) -> Failure:
    """fal keeps what became of the request apart from what the model says of its input."""
    told = {"detail": sentence, "error_type": kind}
    return Failure(status, told, headers={**(headers or {}), "X-Fal-Error-Type": kind})


def _flat(status: int, kind: str, sentence: str, headers: Mapping[str, str]) -> JSONResponse:
    why = _of_request(status, kind, sentence, headers)
    return JSONResponse(why.body, why.status, dict(why.headers))


def _told(retryable: bool) -> str:
    return str(retryable).lower()


def _detail(code: str, sentence: str) -> dict[str, Any]:
    kind = _TYPES.get(code, code)
    return {"loc": ["body"], "msg": sentence, "type": kind, "url": f"{_PAGE}{kind}"}


def _wrong(part: Wrong) -> dict[str, Any]:
    kind = _TYPES.get(part.type, part.type)
    told: dict[str, Any] = {
        "loc": list(part.loc),
        "msg": part.msg,
        "type": kind,
        "url": f"{_PAGE}{kind}",
        "input": part.input,
    }
    if kind == "one_of":
        return {**told, "ctx": {"expected": _QUOTED.findall(str(part.ctx.get("expected", "")))}}
    return {**told, "ctx": dict(part.ctx)} if part.ctx else told
