"""The gateway's one HTTP application: the native API, the dialects, signed links and the page."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match

from gateway import problem
from gateway.api_page.page import api_page_routes
from gateway.asking import SCHEMES
from gateway.body_sizes import REQUEST_BYTES
from gateway.callers_first import CallersFirst
from gateway.dialects.mounts import mount_dialects
from gateway.front import Front
from gateway.playground.page import page_routes
from gateway.problem import Problem
from gateway.rest import account, faces, jobs, media, resumable, upload_links, uploads, verify
from services.common.errors import LipstageError

log = logging.getLogger(__name__)

NATIVE = "/v1alpha"
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_DESCRIPTION = "A video and a new voice go in; the same video comes out speaking the new voice."


def make_app(front: Front) -> FastAPI:
    app = FastAPI(
        title="Lipstage",
        version="1alpha",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=REQUEST_BYTES,
    )
    app.state.front = front
    for part in (jobs, resumable, uploads, faces, account, verify):
        app.include_router(part.router, prefix=NATIVE, dependencies=SCHEMES, responses=problem.RESPONSES)
    app.include_router(media.router)
    app.include_router(upload_links.router)
    app.router.routes.extend([*page_routes(), *api_page_routes()])
    app.add_middleware(CallersFirst, routes=app.routes, front=front, told=_told, files=1)
    mount_dialects(app, front)
    app.exception_handler(LipstageError)(_told)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    return app


async def _told(request: Request, error: LipstageError) -> JSONResponse:
    if problem.status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
    return problem.answer_to(error)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    wrong = [{"loc": list(part["loc"]), "msg": part["msg"]} for part in error.errors()]
    first: dict[str, Any] = wrong[0]
    detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem.answer(
        Problem(title=status.phrase, status=status, detail=detail, code="invalid_parameter", errors=wrong)
    )


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return problem.answer(
        Problem(title=status.phrase, status=status, detail=str(error.detail), code=problem.code_of(status)), headers
    )


def _methods(request: Request) -> set[str]:
    """All that the path takes: the framework names those of the first route alone."""
    routes: list[BaseRoute] = request.app.routes
    return {
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)
    }
