"""Media that callers send before they ask for jobs."""

from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter, UploadFile
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile as FormFile

from gateway.accounts import Caller
from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.front import Front
from gateway.ids import new_id
from gateway.probing import AudioFacts, VideoFacts
from gateway.repetitions import Repetitions
from gateway.rest.jobs import IdempotencyKey
from gateway.uploads import Upload
from services.common.errors import DocumentExists, IdempotencyConflict

router = APIRouter(tags=["uploads"])
_BLOCK_BYTES = 1 << 20


class UploadView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    source: str
    """What a job names it by."""
    bytes: int
    sha256: str
    content_type: str
    filename: str
    expires_at: datetime
    probe: VideoFacts | AudioFacts


@router.post("/uploads", status_code=201, max_body_size=FILE_BYTES)
async def upload(
    file: UploadFile, front: FrontOf, caller: Writer, idempotency_key: IdempotencyKey = None
) -> UploadView:
    """Takes one file as a form's field `file`."""
    if idempotency_key is None:
        return upload_view(await received(front, caller, file))
    named = f"upload {file.filename}".encode()
    upload_id = await Repetitions(front.ports.documents).first(
        caller.account.id, idempotency_key, named, new_id(front.clock())
    )
    try:
        return upload_view(await received(front, caller, file, upload_id))
    except DocumentExists as error:
        raise IdempotencyConflict("This idempotency key was used for another file.", made=upload_id) from error


@router.get("/uploads/{upload_id}")
async def look(upload_id: str, front: FrontOf, caller: Reader) -> UploadView:
    return upload_view(await front.uploads.get(caller.account.id, upload_id))


@router.delete("/uploads/{upload_id}", status_code=204)
async def remove(upload_id: str, front: FrontOf, caller: Writer) -> None:
    """Jobs that have taken it in are not affected. One that still waits for its turn fails with `upload_not_found`."""
    await front.uploads.remove(caller.account.id, upload_id)


async def received(front: Front, caller: Caller, file: FormFile, upload_id: str | None = None) -> Upload:
    """A form's file, kept. Raises MediaTooLarge, what is wrong with the media, and as `Uploads.receive` for an id."""
    at_most = min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
    return await front.uploads.receive(
        caller.account.id, _pieces(file), file.filename or "", file.content_type or "", at_most, upload_id
    )


def upload_view(kept: Upload) -> UploadView:
    return UploadView(
        id=kept.id,
        source=kept.source,
        bytes=kept.bytes,
        sha256=kept.sha256,
        content_type=kept.content_type,
        filename=kept.filename,
        expires_at=kept.expires_at,
        probe=kept.facts,
    )


async def _pieces(file: FormFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK_BYTES):
        yield block
