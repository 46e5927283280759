"""Replicate's files. An input names one by the address of its description; the gateway then reads it itself."""

import asyncio
import hashlib
from typing import Annotated, Any, BinaryIO, Final

from fastapi import APIRouter, Depends, Request, Response, UploadFile
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile as FormFile

from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.dialects.wording import instant
from gateway.rest.uploads import received
from gateway.uploads import Upload
from services.common.errors import InvalidParameter

router = APIRouter()
_BLOCK_BYTES: Final = 1 << 20
_METADATA: Final = TypeAdapter(dict[str, Any])
_LONGEST_METADATA: Final = 16 << 10
"""Bytes."""


async def _metadata(request: Request) -> dict[str, Any]:
    """The clients write it as a form's field or as a file in it. Raises InvalidParameter."""
    part = (await request.form()).get("metadata", "{}")
    text = await part.read(_LONGEST_METADATA + 1) if isinstance(part, FormFile) else part.encode()
    if len(text) > _LONGEST_METADATA:
        raise InvalidParameter(f"metadata may have {_LONGEST_METADATA >> 10} KiB.")
    try:
        return _METADATA.validate_json(text)
    except ValidationError:
        raise InvalidParameter("metadata is not a JSON object.") from None


@router.post("/files", status_code=201, max_body_size=FILE_BYTES)
async def create(
    content: UploadFile, metadata: Annotated[dict[str, Any], Depends(_metadata)], front: FrontOf, caller: Writer
) -> dict[str, Any]:
    md5 = await asyncio.to_thread(_md5, content.file)
    upload = await received(front, caller, content)
    noted = await front.uploads.note(caller.account.id, upload.id, {"md5": md5, "metadata": metadata})
    return _file(noted, front.settings.base_url)


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
        "checksums": {"sha256": upload.sha256, **({"md5": md5} if (md5 := upload.notes.get("md5")) else {})},
        "metadata": upload.notes.get("metadata", {}),
        "created_at": instant(upload.created_at),
        "expires_at": instant(upload.expires_at),
        "urls": {"get": f"{base_url}/v1/files/{upload.id}"},
    }


def _md5(file: BinaryIO) -> str:
    """For comparison, not for safety."""
    digest = hashlib.md5(usedforsecurity=False)
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()
