"""sync.so's assets: uploads, listed and named by their ids."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, UploadFile

from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.dialects.wording import instant
from gateway.probing import VideoFacts
from gateway.rest.uploads import received
from gateway.upload_links import UploadLinks
from gateway.uploads import Upload

router = APIRouter()


@router.post("/assets", status_code=201, max_body_size=FILE_BYTES)
async def create(file: UploadFile, front: FrontOf, caller: Writer) -> dict[str, Any]:
    return _asset(await received(front, caller, file), caller.account.id, front.upload_links)


@router.get("/assets")
async def page(
    front: FrontOf,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
) -> dict[str, Any]:
    """The newest first."""
    uploads = sorted(await front.uploads.all(caller.account.id), key=lambda upload: upload.id, reverse=True)
    later = [upload for upload in uploads if cursor is None or upload.id < cursor]
    shown = later[:limit]
    return {
        "items": [_asset(upload, caller.account.id, front.upload_links) for upload in shown],
        "nextCursor": shown[-1].id if len(later) > limit else None,
        "totalCount": len(uploads),
    }


@router.get("/assets/{upload_id}")
async def look(upload_id: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    return _asset(await front.uploads.get(caller.account.id, upload_id), caller.account.id, front.upload_links)


def _asset(upload: Upload, account: str, links: UploadLinks) -> dict[str, Any]:
    facts = upload.facts
    size = {"width": facts.width, "height": facts.height} if isinstance(facts, VideoFacts) else {}
    return {
        "id": upload.id,
        "createdAt": instant(upload.created_at),
        "updatedAt": instant(upload.created_at),
        "name": upload.filename,
        "url": links.read(account, upload.id, upload.filename),
        "size": upload.bytes,
        "format": upload.suffix.removeprefix("."),
        "type": facts.kind.upper(),
        "inputType": "UPLOAD",
        "durationSeconds": facts.duration_s,
        "visibility": "ORGANIZATION",
        **size,
    }
