"""Errors as HTTP tells them: problem details (RFC 9457) with the stable code of the one error tree."""

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import JSONResponse

from services.common import errors
from services.common.errors import LipstageError

MEDIA_TYPE: Final = "application/problem+json"

_STATUS: Final[tuple[tuple[type[LipstageError], HTTPStatus], ...]] = (
    (errors.Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (errors.Forbidden, HTTPStatus.FORBIDDEN),
    (errors.LinkInvalid, HTTPStatus.FORBIDDEN),
    (errors.ConsentRequired, HTTPStatus.FORBIDDEN),
    (errors.QuotaExceeded, HTTPStatus.FORBIDDEN),
    (errors.JobNotFound, HTTPStatus.NOT_FOUND),
    (errors.UploadNotFound, HTTPStatus.NOT_FOUND),
    (errors.ObjectMissing, HTTPStatus.NOT_FOUND),
    (errors.JobNotEnded, HTTPStatus.CONFLICT),
    (errors.IdempotencyConflict, HTTPStatus.CONFLICT),
    (errors.DocumentExists, HTTPStatus.CONFLICT),
    (errors.MediaTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
)
"""The first that fits counts."""


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    """One clear sentence."""
    code: str
    """Stable: docs/errors.md."""
    errors: list[dict[str, Any]] | None = None
    """What is wrong with which field of the request."""


_TOLD: Final = (400, 401, 403, 404, 409, 413, 422, 429, 503, 507)
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in _TOLD
}
"""For the API's description: any operation may end so."""
_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: errors.MediaTooLarge.code}


def code_of(status: int) -> str:
    """Of an error that the framework tells by its status alone."""
    return _CODES.get(status, "invalid_request")


def status_of(error: LipstageError) -> HTTPStatus:
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of(error: LipstageError) -> Problem:
    status = status_of(error)
    hidden = status == HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "Something went wrong here; it was noted." if hidden else str(error)
    return Problem(title=status.phrase, status=status, detail=detail, code=error.code)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem.model_dump(exclude_none=True), problem.status, headers, MEDIA_TYPE)


def answer_to(error: LipstageError) -> JSONResponse:
    return answer(problem_of(error), headers_of(error))


def headers_of(error: LipstageError) -> dict[str, str]:
    headers = {}
    if isinstance(error, errors.TooManyRequests):
        headers["Retry-After"] = str(error.fields["retry_after_s"])
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return headers
