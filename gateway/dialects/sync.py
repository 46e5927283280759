"""sync.so's routes, below /v2."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query, Request
from pydantic import ValidationError

from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES, REQUEST_BYTES
from gateway.dialects import sync_assets
from gateway.dialects.dialect_app import dialect_app
from gateway.dialects.submitting import ExtrasOf, submitted
from gateway.dialects.sync_form import asked_in_form, in_body
from gateway.dialects.sync_words import STATES, Asked, echo, generation, job_request, refused
from gateway.front import Front
from gateway.job_filter import JobFilter
from gateway.job_views import State
from gateway.known import estimated
from services.common.errors import InvalidParameter, MediaTooLarge, NotOffered

router = APIRouter()
PREFIX: Final = "/v2"
_PAGE: Final = 100
_MICRODOLLARS: Final = 1e6
_FRAMES_PER_SECOND: Final = 25
_MODELS: Final = {"1": "LatentSync 1.0", "15": "LatentSync 1.5", "16": "LatentSync 1.6"}


def sync_app(front: Front) -> FastAPI:
    return dialect_app(front, router, refused, files_in_form=2)


@router.post("/generate", status_code=201, max_body_size=FILE_BYTES)
async def create(request: Request, front: FrontOf, caller: Writer, extras: ExtrasOf) -> dict[str, Any]:
    """JSON, or a form with the files themselves."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        asked = await asked_in_form(request, front, caller, extras.idempotency_key)
    else:
        asked = await _asked(request)
    wanted = job_request(asked, front.settings.defaults, front.settings.variants)
    submission, view = await submitted(front, caller, extras, "sync", wanted, echo(asked))
    return generation(view, submission)


@router.get("/generate/{job}")
async def look(job: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    submission, view = await front.jobs.submission(caller, job)
    return generation(view, submission)


@router.get("/generations")
async def page(
    front: FrontOf,
    caller: Reader,
    status: Annotated[list[str] | None, Query()] = None,
    ids: Annotated[list[str] | None, Query()] = None,
) -> list[dict[str, Any]]:
    """The newest first, at most 100. Several are given as one list with commas, or one by one."""
    if ids:
        return [await look(job, front, caller) for job in _each(ids)[:_PAGE]]
    states = [_state(word) for word in _each(status or [])]
    found = await front.jobs.list(caller, states, None, _PAGE, JobFilter(dialects=["sync"]))
    jobs = [await front.jobs.submission(caller, view.id) for view in found.jobs]
    return [generation(view, submission) for submission, view in jobs]


@router.post("/analyze/cost")
async def cost(request: Request, front: FrontOf, caller: Reader) -> list[dict[str, float]]:
    """Only for assets: other media are not looked at before there is a job."""
    asked = await _asked(request)
    known = await estimated(front, caller, job_request(asked, front.settings.defaults, front.settings.variants))
    if known.amount is None or known.output_s is None:
        raise InvalidParameter("The cost is known for assets only; upload the media first.")
    frames = round(known.output_s * _FRAMES_PER_SECOND)
    return [{"estimatedFrameCount": frames, "estimatedGenerationCost": known.amount / _MICRODOLLARS}]


@router.get("/models")
async def models(front: FrontOf, caller: Reader) -> list[dict[str, Any]]:
    return [
        {"id": f"latentsync-{variant}", "name": _MODELS[variant], "type": "lipsync", "version": variant}
        for variant in front.settings.variants
    ]


@router.api_route("/batch", methods=["GET", "POST"])
@router.get("/batch/{batch}")
async def batch(caller: Reader) -> None:
    """Their results would be a file, and their end a webhook, of another kind than a job's."""
    raise NotOffered("Batches are not offered under /v2: send each line to /v2/generate, or all to /v1alpha/batches.")


router.include_router(sync_assets.router)


async def _asked(request: Request) -> Asked:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > REQUEST_BYTES:
            raise MediaTooLarge(f"The request is larger than {REQUEST_BYTES >> 20} MiB; upload the media first.")
    try:
        return Asked.model_validate_json(bytes(body))
    except ValidationError as error:
        raise in_body(error) from error


def _each(given: list[str]) -> list[str]:
    return [word for words in given for word in words.split(",") if word]


def _state(word: str) -> State:
    if word not in STATES:
        raise InvalidParameter(f"There is no status {word}; use {', '.join(STATES)}.")
    return STATES[word]
