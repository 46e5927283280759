"""Replicate's routes, below /v1, and below /v1/v1 for clients that add it to an address that has it already."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query
from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException

from gateway.accounts import Caller
from gateway.asking import FrontOf, Reader, Writer
from gateway.dialects import replicate_files, replicate_models
from gateway.dialects.dialect_app import dialect_app
from gateway.dialects.extras import Extras
from gateway.dialects.replicate_headers import Wishes, WishesOf
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
from gateway.job_filter import JobFilter
from gateway.job_views import LINK_S, JobView
from gateway.submissions import Submission
from gateway.upload_links import UploadPass
from gateway.webhooks.signatures import shown_secret

router = APIRouter()
PREFIXES: Final = ("/v1/v1", "/v1")
"""In the order in which they are to be tried."""
_MARGIN_S: Final = 0.5
"""Clients give up half a second after the time they asked for."""
_HEARTBEAT_S: Final = 15
_PAGE: Final = 100


def replicate_app(front: Front) -> FastAPI:
    return dialect_app(front, router, refused)


@router.post("/models/{owner}/{name}/predictions", status_code=201)
async def create(
    owner: str, name: str, asked: Asked, front: FrontOf, caller: Writer, extras: ExtrasOf, wishes: WishesOf
) -> dict[str, Any]:
    _check(owner, name)
    return await _created(front, caller, extras, wishes, asked, VERSION)


@router.post("/predictions", status_code=201)
async def create_by_version(
    asked: AskedOfVersion, front: FrontOf, caller: Writer, extras: ExtrasOf, wishes: WishesOf
) -> dict[str, Any]:
    return await _created(front, caller, extras, wishes, asked, asked.version)


@router.get("/predictions")
async def page(
    front: FrontOf, caller: Reader, cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None
) -> dict[str, Any]:
    """The newest first."""
    found = await front.jobs.list(caller, (), cursor, _PAGE, JobFilter(dialects=["replicate"]))
    jobs = [await front.jobs.submission(caller, view.id) for view in found.jobs]
    base_url = front.settings.base_url
    return {
        "previous": None,
        "next": f"{base_url}/v1/predictions?cursor={found.next_cursor}" if found.next_cursor else None,
        "results": [_told(front, view, submission) for submission, view in jobs],
    }


@router.get("/predictions/{job}")
async def look(job: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    submission, view = await front.jobs.submission(caller, job)
    return _told(front, view, submission)


@router.post("/predictions/{job}/cancel")
async def cancel(job: str, front: FrontOf, caller: Writer) -> dict[str, Any]:
    await front.jobs.cancel(caller, job)
    return await look(job, front, caller)


@router.get("/predictions/{job}/stream")
async def stream(job: str, front: FrontOf, caller: Reader) -> EventSourceResponse:
    return await _streamed(job, front, caller)


@router.get("/streams/{word}")
async def stream_of_a_pass(word: str, front: FrontOf) -> EventSourceResponse:
    """The JavaScript client sends no token to the address that it is told for the stream."""
    granted = front.upload_links.check("watch", word)
    return await _streamed(granted.upload, front, await front.keys.holder(granted.account))


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
async def webhook_secret(caller: Writer) -> dict[str, str]:
    return {"key": shown_secret(caller.account.webhook_secret)}


router.include_router(replicate_files.router)


async def _created(
    front: Front, caller: Caller, extras: Extras, wishes: Wishes, asked: Asked, version: str
) -> dict[str, Any]:
    began_s = time.monotonic()
    request = job_request(asked, extras, front.settings.defaults, wishes.cancel_after_s)
    submission, view = await submitted(front, caller, extras, "replicate", request, echo(asked, version))
    if wishes.wait_s is not None:
        left_s = wishes.wait_s - _MARGIN_S - (time.monotonic() - began_s)
        view = await front.jobs.wait(caller, view.id, max(0.0, left_s))
    return _told(front, view, submission, held=wishes.wait_s is not None)


def _told(front: Front, view: JobView, submission: Submission, *, held: bool = False) -> dict[str, Any]:
    told = prediction(view, submission, front.settings.base_url, held=held)
    word = front.upload_links.word("watch", UploadPass(submission.key, view.id), LINK_S)
    told["urls"]["stream"] = f"{front.settings.base_url}{PREFIXES[-1]}/streams/{word}"
    return told


async def _streamed(job: str, front: Front, caller: Caller) -> EventSourceResponse:
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


def _last_words(view: JobView) -> list[tuple[str, str]]:
    if view.output:
        return [("output", view.output.url), ("done", "{}")]
    if view.error:
        return [("error", view.error.message), ("done", '{"reason": "error"}')]
    return [("done", '{"reason": "canceled"}')]


def _check(owner: str, name: str) -> None:
    if f"{owner}/{name}" != MODEL:
        raise HTTPException(404, f"There is no model {owner}/{name} here, only {MODEL}.")
