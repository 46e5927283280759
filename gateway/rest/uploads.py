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
from gateway.probing import AudioFacts, VideoFacts
from gateway.uploads import Upload

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
async def upload(file: UploadFile, front: FrontOf, caller: Writer) -> UploadView:
    """Takes one file as a form's field `file`."""
    return upload_view(await received(front, caller, file))


@router.get("/uploads/{upload_id}")
async def look(upload_id: str, front: FrontOf, caller: Reader) -> UploadView:
    return upload_view(await front.uploads.get(caller.account.id, upload_id))


@router.delete("/uploads/{upload_id}", status_code=204)
async def remove(upload_id: str, front: FrontOf, caller: Writer) -> None:
    """Jobs that use it already are not affected."""
    await front.uploads.remove(caller.account.id, upload_id)


async def received(front: Front, caller: Caller, file: FormFile) -> Upload:
    """A form's file, kept. Raises MediaTooLarge, and what is wrong with the media."""
    at_most = min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
    pieces, content_type = _pieces(file), file.content_type or ""
    return await front.uploads.receive(caller.account.id, pieces, file.filename or "", content_type, at_most)


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
