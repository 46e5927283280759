"""Replicate's routes, below /v1, and below /v1/v1 for clients that add it to an address that has it already."""

import re
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Header, Query
from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException

from gateway.accounts import Caller
from gateway.asking import CallerOf, FrontOf, Reader, Writer
from gateway.dialects import replicate_files, replicate_models
from gateway.dialects.dialect_app import dialect_app
from gateway.dialects.extras import Extras
from gateway.dialects.replicate_words import (
    MODEL,
    VERSION,
    Asked,
    AskedOfVersion,
    echo,
    job_request,
    logs,
    prediction,
    refused,
)
from gateway.dialects.submitting import ExtrasOf, submitted
from gateway.front import Front
from gateway.job_views import JobView
from gateway.webhooks.signatures import shown_secret

router = APIRouter()
PREFIXES: Final = ("/v1/v1", "/v1")
"""In the order in which they are to be tried."""
LONGEST_WAIT_S: Final = 60.0
_MARGIN_S: Final = 0.5
"""Clients give up half a second after the time they asked for."""
_HEARTBEAT_S: Final = 15
_PAGE: Final = 100
Prefer = Annotated[str, Header()]
_WAIT: Final = re.compile(r"\bwait\b(?:\s*=\s*(?P<seconds>[0-9]{1,9}))?")


def replicate_app(front: Front) -> FastAPI:
    return dialect_app(front, router, refused)


@router.post("/models/{owner}/{name}/predictions", status_code=201)
async def create(
    owner: str, name: str, asked: Asked, front: FrontOf, caller: Writer, extras: ExtrasOf, prefer: Prefer = ""
) -> dict[str, Any]:
    _check(owner, name)
    return await _created(front, caller, extras, asked, VERSION, prefer)


@router.post("/predictions", status_code=201)
async def create_by_version(
    asked: AskedOfVersion, front: FrontOf, caller: Writer, extras: ExtrasOf, prefer: Prefer = ""
) -> dict[str, Any]:
    return await _created(front, caller, extras, asked, asked.version, prefer)


@router.get("/predictions")
async def page(
    front: FrontOf, caller: Reader, cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None
) -> dict[str, Any]:
    """The newest first."""
    found = await front.jobs.list(caller, (), cursor, _PAGE)
    jobs = [await front.jobs.submission(caller, view.id) for view in found.jobs if view.dialect == "replicate"]
    base_url = front.settings.base_url
    return {
        "previous": None,
        "next": f"{base_url}/v1/predictions?cursor={found.next_cursor}" if found.next_cursor else None,
        "results": [prediction(view, submission, base_url) for submission, view in jobs],
    }


@router.get("/predictions/{job}")
async def look(job: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    submission, view = await front.jobs.submission(caller, job)
    return prediction(view, submission, front.settings.base_url)


@router.post("/predictions/{job}/cancel")
async def cancel(job: str, front: FrontOf, caller: Writer) -> dict[str, Any]:
    await front.jobs.cancel(caller, job)
    return await look(job, front, caller)


@router.get("/predictions/{job}/stream")
async def stream(job: str, front: FrontOf, caller: Reader) -> EventSourceResponse:
    """Each event has an id: the client passes over those without."""
    updates = front.jobs.watch(caller, job)
    first = await anext(updates)
    assert isinstance(first, JobView), "a watch begins with the job as it is"

    async def events() -> AsyncIterator[dict[str, str]]:
        number, view, said = 0, first, ""
        async for update in updates:
            view = update if isinstance(update, JobView) else await front.jobs.get(caller, job)
            if (line := logs(view)) != said:
                number, said = number + 1, line
                yield {"event": "logs", "data": line.rstrip("\n"), "id": f"{job}:{number}"}
        for name, data in _last_words(view):
            number += 1
            yield {"event": name, "data": data, "id": f"{job}:{number}"}

    return EventSourceResponse(events(), ping=_HEARTBEAT_S)


@router.get("/models/{owner}/{name}")
async def model(owner: str, name: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    _check(owner, name)
    return replicate_models.model(front.settings.base_url)


@router.get("/models/{owner}/{name}/versions")
async def versions(owner: str, name: str, caller: Reader) -> dict[str, Any]:
    _check(owner, name)
    return {"previous": None, "next": None, "results": [replicate_models.version(VERSION)]}


@router.get("/models/{owner}/{name}/versions/{version}")
async def version(owner: str, name: str, version: str, caller: Reader) -> dict[str, Any]:
    _check(owner, name)
    return replicate_models.version(version)


@router.get("/account")
async def account(caller: Reader) -> dict[str, Any]:
    return {"type": "organization", "username": caller.account.id, "name": caller.account.name, "github_url": None}


@router.get("/webhooks/default/secret")
async def webhook_secret(caller: CallerOf) -> dict[str, str]:
    return {"key": shown_secret(caller.account.webhook_secret)}


router.include_router(replicate_files.router)


async def _created(
    front: Front, caller: Caller, extras: Extras, asked: Asked, version: str, prefer: str
) -> dict[str, Any]:
    began_s = time.monotonic()
    request = job_request(asked, extras, front.settings.defaults)
    submission, view = await submitted(front, caller, extras, "replicate", request, echo(asked, version))
    wanted = _WAIT.search(prefer)
    if wanted:
        wait_s = min(float(wanted["seconds"] or LONGEST_WAIT_S), LONGEST_WAIT_S) - _MARGIN_S
        view = await front.jobs.wait(caller, view.id, max(0.0, wait_s - (time.monotonic() - began_s)))
    return prediction(view, submission, front.settings.base_url, held=wanted is not None)


def _last_words(view: JobView) -> list[tuple[str, str]]:
    if view.output:
        return [("output", view.output.url), ("done", "{}")]
    if view.error:
        return [("error", view.error.message), ("done", '{"reason": "error"}')]
    return [("done", '{"reason": "canceled"}')]


def _check(owner: str, name: str) -> None:
    if f"{owner}/{name}" != MODEL:
        raise HTTPException(404, f"There is no model {owner}/{name} here, only {MODEL}.")
