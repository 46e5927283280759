"""Media that callers send before they ask for jobs."""

from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter, UploadFile
from pydantic import BaseModel, ConfigDict

from gateway.asking import FrontOf, Reader, Writer
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


@router.post("/uploads", status_code=201)
async def upload(file: UploadFile, front: FrontOf, caller: Writer) -> UploadView:
    """Takes one file as a form's field `file`."""
    at_most = min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
    pieces = _pieces(file)
    kept = await front.uploads.receive(caller.account.id, pieces, file.filename or "", file.content_type or "", at_most)
    return upload_view(kept)


@router.get("/uploads/{upload_id}")
async def look(upload_id: str, front: FrontOf, caller: Reader) -> UploadView:
    return upload_view(await front.uploads.get(caller.account.id, upload_id))


@router.delete("/uploads/{upload_id}", status_code=204)
async def remove(upload_id: str, front: FrontOf, caller: Writer) -> None:
    """Jobs that use it already are not affected."""
    await front.uploads.remove(caller.account.id, upload_id)


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


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK_BYTES):
        yield block
