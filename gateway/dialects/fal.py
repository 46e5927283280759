"""fal's routes, below /fal: its hosts queue.fal.run, fal.run, rest.fal.ai and v3.fal.media are four folders here."""

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query, Response
from pydantic import AnyHttpUrl
from sse_starlette import EventSourceResponse
from starlette.responses import JSONResponse

from gateway.accounts import Caller
from gateway.asking import FrontOf, Reader, Writer
from gateway.dialects import fal_files
from gateway.dialects.dialect_app import dialect_app
from gateway.dialects.extras import Extras
from gateway.dialects.fal_errors import failed, failure, late, refused
from gateway.dialects.fal_headers import Wishes, WishesOf
from gateway.dialects.fal_words import MODEL, Asked, addresses, job_request, news, output, status
from gateway.dialects.submitting import ExtrasOf, submitted
from gateway.front import Front
from gateway.job_views import JobView
from services.common.errors import JobNotFound

router = APIRouter()
PREFIX: Final = "/fal"
LONGEST_RUN_S: Final = 3600.0
_HEARTBEAT_S: Final = 10
"""Clients take a stream that is silent for 15 s for broken."""
_QUEUE, _RUN = f"/queue/{MODEL}", f"/run/{MODEL}"
_REQUEST: Final = _QUEUE + "/requests/{job}"
FalWebhook = Annotated[AnyHttpUrl | None, Query()]
Logs = Annotated[bool, Query()]


def fal_app(front: Front) -> FastAPI:
    return dialect_app(front, router, refused)


@router.post(_QUEUE)
async def submit(
    asked: Asked,
    front: FrontOf,
    caller: Writer,
    extras: ExtrasOf,
    wishes: WishesOf,
    response: Response,
    fal_webhook: FalWebhook = None,
) -> dict[str, Any]:
    view = await _begun(front, caller, extras, wishes, asked, fal_webhook)
    response.headers["x-fal-request-id"] = view.id
    told = {"request_id": view.id, "gateway_request_id": view.id, "status": "IN_QUEUE", "queue_position": 0}
    return {**told, **addresses(view.id, front.settings.base_url)}


@router.get(_REQUEST + "/status")
async def look(job: str, front: FrontOf, caller: Reader, logs: Logs = False) -> JSONResponse:
    view = await front.jobs.get(caller, job)
    code = HTTPStatus.OK if view.ended else HTTPStatus.ACCEPTED
    return JSONResponse(status(view, front.settings.base_url, logs), code, {"x-fal-request-id": job})


@router.get(_REQUEST + "/status/stream")
async def watch(job: str, front: FrontOf, caller: Reader, logs: Logs = False) -> EventSourceResponse:
    updates = front.jobs.watch(caller, job)
    first = await anext(updates)
    base_url = front.settings.base_url

    async def events() -> AsyncIterator[dict[str, str]]:
        assert isinstance(first, JobView), "a watch begins with the job as it is"
        said = status(first, base_url, logs)
        yield {"data": json.dumps(said)}
        async for update in updates:
            view = update if isinstance(update, JobView) else await front.jobs.get(caller, job)
            if (now := status(view, base_url, logs)) != said:
                yield {"data": json.dumps(news(now, said))}
                said = now

    return EventSourceResponse(events(), ping=_HEARTBEAT_S)


@router.get(_REQUEST)
async def result(job: str, front: FrontOf, caller: Reader) -> Response:
    view = await front.jobs.get(caller, job)
    if not view.ended:
        running = {"detail": "Request is still in progress"}
        return JSONResponse(running, HTTPStatus.BAD_REQUEST, {"x-fal-request-id": job})
    return _result(view)


@router.put(_REQUEST + "/cancel")
async def cancel(job: str, front: FrontOf, caller: Writer) -> JSONResponse:
    try:
        view = await front.jobs.get(caller, job)
    except JobNotFound:
        return JSONResponse({"status": "NOT_FOUND"}, HTTPStatus.NOT_FOUND)
    if view.ended:
        return JSONResponse({"status": "ALREADY_COMPLETED"}, HTTPStatus.BAD_REQUEST)
    await front.jobs.cancel(caller, job)
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, HTTPStatus.ACCEPTED)


@router.post(_RUN)
async def run(asked: Asked, front: FrontOf, caller: Writer, extras: ExtrasOf, wishes: WishesOf) -> Response:
    """Held open until the job has ended."""
    view = await _begun(front, caller, extras, wishes, asked)
    view = await front.jobs.wait(caller, view.id, LONGEST_RUN_S)
    return _result(view) if view.ended else late(view)


@router.post(_RUN + "/stream")
async def stream(
    asked: Asked, front: FrontOf, caller: Writer, extras: ExtrasOf, wishes: WishesOf
) -> EventSourceResponse:
    """Progress, and last the output, or why there is none."""
    begun = await _begun(front, caller, extras, wishes, asked)

    async def events() -> AsyncIterator[dict[str, str]]:
        async for update in front.jobs.watch(caller, begun.id):
            if not isinstance(update, JobView):
                told: dict[str, Any] = {"stage": update.stage, "part": update.part, "done": update.done}
            elif not update.ended:
                told = {"status": "IN_PROGRESS", "request_id": update.id}
            elif update.state == "completed":
                told = output(update)
            else:
                told = {"error": failure(update).body["detail"]}
            yield {"data": json.dumps(told)}

    return EventSourceResponse(events(), ping=_HEARTBEAT_S, headers={"x-fal-request-id": begun.id})


router.include_router(fal_files.router)


async def _begun(
    front: Front, caller: Caller, extras: Extras, wishes: Wishes, asked: Asked, webhook: AnyHttpUrl | None = None
) -> JobView:
    request = wishes.of(job_request(asked, webhook, extras, front.settings.defaults))
    _, view = await submitted(front, caller, extras, "fal", request, {})
    return view


def _result(view: JobView) -> Response:
    if view.state != "completed":
        return failed(view)
    return JSONResponse(output(view), headers={"x-fal-request-id": view.id})
