"""A dialect is an application of its own inside the gateway's: its paths, and every error in its words."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.body_sizes import REQUEST_BYTES
from gateway.callers_first import CallersFirst
from gateway.dialects.refusals import Refusal, refusal_of, wrong_part
from gateway.front import Front
from gateway.problem import code_of
from services.common.errors import LipstageError

log = logging.getLogger(__name__)

Render = Callable[[Refusal], Response]


def dialect_app(front: Front, router: APIRouter, render: Render, files_in_form: int = 1) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False, max_body_size=REQUEST_BYTES)
    app.state.front = front
    app.include_router(router)

    async def told(request: Request, error: LipstageError) -> Response:
        refusal = refusal_of(error)
        if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
        return render(refusal)

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = tuple(map(wrong_part, error.errors()))
        detail = "; ".join(f"{'.'.join(map(str, part.loc))}: {part.msg}" for part in wrong)
        return render(Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_parameter", detail, wrong=wrong))

    async def http(request: Request, error: HTTPException) -> Response:
        return render(
            Refusal(error.status_code, code_of(error.status_code), str(error.detail), dict(error.headers or {}))
        )

    app.add_middleware(CallersFirst, routes=app.routes, front=front, told=told, files=files_in_form)
    app.exception_handler(LipstageError)(told)
    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(HTTPException)(http)
    return app
