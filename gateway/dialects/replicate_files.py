"""Replicate's files. An input names one by the address of its description; the gateway then reads it itself."""

from typing import Any

from fastapi import APIRouter, Response, UploadFile

from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.dialects.wording import instant
from gateway.rest.uploads import received
from gateway.uploads import Upload

router = APIRouter()


@router.post("/files", status_code=201, max_body_size=FILE_BYTES)
async def create(content: UploadFile, front: FrontOf, caller: Writer) -> dict[str, Any]:
    return _file(await received(front, caller, content), front.settings.base_url)


@router.get("/files")
async def page(front: FrontOf, caller: Reader) -> dict[str, Any]:
    found = await front.uploads.all(caller.account.id)
    files = [_file(upload, front.settings.base_url) for upload in reversed(found)]
    return {"previous": None, "next": None, "results": files}


@router.get("/files/{upload_id}")
async def look(upload_id: str, front: FrontOf, caller: Reader) -> dict[str, Any]:
    return _file(await front.uploads.get(caller.account.id, upload_id), front.settings.base_url)


@router.delete("/files/{upload_id}", status_code=204)
async def remove(upload_id: str, front: FrontOf, caller: Writer) -> Response:
    await front.uploads.remove(caller.account.id, upload_id)
    return Response(status_code=204)


def _file(upload: Upload, base_url: str) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.filename or "file",
        "content_type": upload.content_type,
        "size": upload.bytes,
        "etag": upload.sha256,
        "checksums": {"sha256": upload.sha256},
        "metadata": {},
        "created_at": instant(upload.created_at),
        "expires_at": instant(upload.expires_at),
        "urls": {"get": f"{base_url}/v1/files/{upload.id}"},
    }
