"""Errors in fal's words: a list of details for what is wrong with a request or its media, a sentence for the rest."""

from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

from gateway.dialects.refusals import Refusal, Wrong
from gateway.job_views import JobView

FAILED: Final = 422
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
}
"""fal's names for ours; others are called as we call them."""
_RETRIED_BY_CLIENTS: Final = (408, 409)
"""They would send the same again, up to ten times; nothing here gets better by that."""


def refused(refusal: Refusal) -> JSONResponse:
    status = FAILED if refusal.status in _RETRIED_BY_CLIENTS else refusal.status
    headers = {**refusal.headers, "X-Fal-Retryable": str(refusal.retryable).lower()}
    if refusal.wrong:
        return JSONResponse({"detail": [_wrong(part) for part in refusal.wrong]}, status, headers)
    if status == FAILED:
        return JSONResponse({"detail": [_detail(refusal.code, refusal.detail)]}, status, headers)
    kind = _TYPES.get(refusal.code, refusal.code)
    return JSONResponse({"detail": refusal.detail, "error_type": kind}, status, {**headers, "X-Fal-Error-Type": kind})


def failed(view: JobView) -> JSONResponse:
    """The result of a job that has none."""
    if view.error is None:
        canceled = {"detail": "Request was cancelled", "error_type": "client_cancelled"}
        return JSONResponse(canceled, HTTPStatus.BAD_REQUEST, {"X-Fal-Retryable": "false", **_request_id(view)})
    headers = {"X-Fal-Retryable": str(_is_ours(view)).lower(), **_request_id(view)}
    status = HTTPStatus.INTERNAL_SERVER_ERROR if _is_ours(view) else FAILED
    return JSONResponse({"detail": details_of_failure(view)}, status, headers)


def details_of_failure(view: JobView) -> list[dict[str, Any]]:
    if view.error is None:
        return [_detail("client_cancelled", "Request was cancelled")]
    if _is_ours(view):
        return [_detail("internal_server_error", view.error.message)]
    return [_detail(view.error.code, view.error.message)]


def summary(view: JobView) -> dict[str, str]:
    """What a status tells of a failure; nothing of a success."""
    if view.state == "completed":
        return {}
    detail = details_of_failure(view)[0]
    return {"error": detail["msg"], "error_type": detail["type"]}


def _request_id(view: JobView) -> dict[str, str]:
    return {"x-fal-request-id": view.id}


def _is_ours(view: JobView) -> bool:
    """Whether the failure lies with the servers, not with what the caller sent."""
    return view.error is not None and view.error.code in ("internal", "unavailable", "disk_full", "model_error")


def _detail(code: str, sentence: str) -> dict[str, Any]:
    kind = _TYPES.get(code, code)
    return {"loc": ["body"], "msg": sentence, "type": kind, "url": f"{_PAGE}{kind}"}


def _wrong(part: Wrong) -> dict[str, Any]:
    told: dict[str, Any] = {
        "loc": list(part.loc),
        "msg": part.msg,
        "type": part.type,
        "url": f"{_PAGE}{part.type}",
        "input": part.input,
    }
    return {**told, "ctx": dict(part.ctx)} if part.ctx else told
