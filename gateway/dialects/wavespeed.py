"""WaveSpeed's routes, below /api/v3. Every success is a 200: its clients take no other."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query, UploadFile
from pydantic import AnyHttpUrl, BaseModel, Field

from gateway.asking import Accountant, FrontOf, Reader, Writer
from gateway.billing.ledger import Ledger
from gateway.body_sizes import FILE_BYTES
from gateway.dialects.dialect_app import dialect_app
from gateway.dialects.submitting import ExtrasOf, submitted
from gateway.dialects.wavespeed_words import Asked, envelope, job_request, refused, task, timed_out
from gateway.front import Front
from gateway.ids import new_id
from gateway.rest.uploads import received
from gateway.upload_links import UploadPass
from gateway.webhooks.signatures import shown_secret
from services.common.errors import JobNotEnded, JobNotFound, MediaTooLarge

router = APIRouter()
PREFIX: Final = "/api/v3"
SYNC_WAIT_S: Final = 100.0
_MICRODOLLARS: Final = 1e6


class Announced(BaseModel):
    """A file that is going to be sent."""

    filename: str = Field(min_length=1, max_length=300)
    size: int = Field(ge=1)
    content_type: str | None = None


class Named(BaseModel):
    ids: list[str] = Field(max_length=1000)


def wavespeed_app(front: Front) -> FastAPI:
    return dialect_app(front, router, refused)


@router.post("/bytedance/latentsync")
async def submit(
    asked: Asked,
    front: FrontOf,
    caller: Writer,
    extras: ExtrasOf,
    webhook: Annotated[AnyHttpUrl | None, Query()] = None,
) -> dict[str, Any]:
    request = job_request(asked, webhook, front.settings.defaults)
    base_url = front.settings.base_url
    _, view = await submitted(front, caller, extras, "wavespeed", request, {})
    if not asked.enable_sync_mode:
        return envelope(task(view, base_url))
    view = await front.jobs.wait(caller, view.id, SYNC_WAIT_S)
    return envelope(task(view, base_url) if view.ended else timed_out(view, base_url))


@router.get("/predictions/{job}/result")
@router.get("/predictions/{job}")
async def look(job: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    return envelope(task(await front.jobs.get(caller, job), front.settings.base_url))


@router.post("/predictions/delete")
async def remove(named: Named, front: FrontOf, caller: Writer) -> dict[str, Any]:
    """Passes over what is not there or still running."""
    removed = 0
    for job in named.ids:
        try:
            await front.jobs.delete(caller, job)
        except (JobNotFound, JobNotEnded):
            continue
        removed += 1
    return envelope({"deleted_count": removed})


@router.post("/media/uploads")
async def ticket(announced: Announced, front: FrontOf, caller: Writer) -> dict[str, Any]:
    """Where to put a file, and where it can be had afterwards."""
    at_most = min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
    if announced.size > at_most:
        raise MediaTooLarge(f"The file is larger than the limit of {at_most / (1 << 20):g} MiB.", max_bytes=at_most)
    granted = UploadPass(caller.account.id, new_id(front.clock()), announced.size)
    headers = {"Content-Type": announced.content_type} if announced.content_type else {}
    upload = {"method": "PUT", "url": front.upload_links.write(granted, announced.filename), "headers": headers}
    address = front.upload_links.read(granted.account, granted.upload, announced.filename)
    return envelope({"upload": upload, "download_url": address})


@router.post("/media/upload/binary", max_body_size=FILE_BYTES)
@router.post("/upload", max_body_size=FILE_BYTES)
async def upload(file: UploadFile, front: FrontOf, caller: Writer) -> dict[str, Any]:
    """The ways before tickets."""
    kept = await received(front, caller, file)
    address = front.upload_links.read(caller.account.id, kept.id, kept.filename)
    return envelope(
        {
            "type": kept.facts.kind,
            "download_url": address,
            "url": address,
            "filename": kept.filename,
            "size": kept.bytes,
        }
    )


@router.get("/account/balance")
@router.get("/balance")
async def balance(front: FrontOf, caller: Accountant) -> dict[str, Any]:
    held = await Ledger(front.ports.documents).balance(caller.account.id)
    return envelope({"balance": held.amount / _MICRODOLLARS, "currency": "USD"})


@router.get("/webhook/secret")
async def webhook_secret(caller: Writer) -> dict[str, Any]:
    return envelope({"secret": shown_secret(caller.account.webhook_secret)})
