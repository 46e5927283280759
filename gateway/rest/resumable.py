"""Uploads that can be resumed after a broken connection: tus 1.0.0 with creation, expiration and termination.

What has arrived lies on this gateway's own disk until it is whole: behind a balancer, a client must come back to the
same gateway.
"""

import base64
import binascii
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from gateway.accounts import Caller
from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.documents import Collection
from gateway.front import Front
from gateway.ids import new_id
from gateway.incoming_file import Fetched
from services.common.content_hash import file_sha256
from services.common.errors import InvalidParameter, MediaTooLarge, ObjectMissing, UploadNotFound

router = APIRouter(tags=["uploads"], include_in_schema=False)
_VERSION: Final = "1.0.0"
_KEPT: Final = timedelta(hours=24)
_OFFSET_TYPE: Final = "application/offset+octet-stream"
Length = Annotated[int, Header(alias="Upload-Length", ge=1)]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0)]


class Part(BaseModel):
    """Stored as `resumable/<account>/<id>` until the upload is whole."""

    model_config = ConfigDict(frozen=True)

    id: str
    length: int
    filename: str
    content_type: str


@router.options("/uploads/resumable")
async def abilities(front: FrontOf) -> Response:
    extensions = {"Tus-Version": _VERSION, "Tus-Extension": "creation,termination,expiration"}
    return _answer(204, {**extensions, "Tus-Max-Size": str(front.settings.max_media_bytes)})


@router.post("/uploads/resumable")
async def create(
    front: FrontOf, caller: Writer, length: Length, metadata: Annotated[str, Header(alias="Upload-Metadata")] = ""
) -> Response:
    """Answers with the address that the bytes are to be sent to. Raises MediaTooLarge, InvalidParameter."""
    at_most = min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
    if length > at_most:
        raise MediaTooLarge(f"The file is larger than the limit of {at_most / (1 << 20):g} MiB.", max_bytes=at_most)
    told = _metadata(metadata)
    part = Part(
        id=new_id(front.clock()),
        length=length,
        filename=told.get("filename", ""),
        content_type=told.get("filetype", "application/octet-stream"),
    )
    _path(front, part.id).touch()
    await _parts(front).create(f"{caller.account.id}/{part.id}", part)
    return _answer(201, {"Location": f"/v1alpha/uploads/resumable/{part.id}", **_expiry(front)})


@router.head("/uploads/resumable/{part_id}")
async def look(part_id: str, front: FrontOf, caller: Reader) -> Response:
    part = await _part(front, caller, part_id)
    there = _path(front, part.id).stat().st_size
    return _answer(200, {"Upload-Offset": str(there), "Upload-Length": str(part.length), "Cache-Control": "no-store"})


@router.patch("/uploads/resumable/{part_id}", max_body_size=FILE_BYTES)
async def append(part_id: str, request: Request, front: FrontOf, caller: Writer, offset: Offset) -> Response:
    """Appends; the last piece makes it an upload, whose source is told. Raises what is wrong with the media."""
    part = await _part(front, caller, part_id)
    path = _path(front, part.id)
    if request.headers.get("content-type") != _OFFSET_TYPE:
        return _answer(415, {})
    if offset != path.stat().st_size:
        return _answer(409, {})
    with path.open("ab") as file:
        async for piece in request.stream():
            if file.tell() + len(piece) > part.length:
                raise MediaTooLarge(f"More than the announced {part.length} bytes arrived.", max_bytes=part.length)
            file.write(piece)
        there = file.tell()
    headers = {"Upload-Offset": str(there), **_expiry(front)}
    if there == part.length:
        headers["Lipstage-Source"] = await _finished(front, caller, part, path)
    return _answer(204, headers)


@router.delete("/uploads/resumable/{part_id}")
async def give_up(part_id: str, front: FrontOf, caller: Writer) -> Response:
    part = await _part(front, caller, part_id)
    await _forget(front, caller, part)
    return _answer(204, {})


async def _finished(front: Front, caller: Caller, part: Part, path: Path) -> str:
    try:
        fetched = Fetched(file_sha256(path), part.length, part.content_type, "", part.filename)
        upload = await front.uploads.keep(caller.account.id, path, fetched)
    finally:
        await _forget(front, caller, part)
    return upload.source


async def _forget(front: Front, caller: Caller, part: Part) -> None:
    _path(front, part.id).unlink(missing_ok=True)
    await _parts(front).delete(f"{caller.account.id}/{part.id}")


async def _part(front: Front, caller: Caller, part_id: str) -> Part:
    try:
        part = await _parts(front).get(f"{caller.account.id}/{part_id}")
    except ObjectMissing:
        part = None
    if part is None or not _path(front, part.id).exists():
        raise UploadNotFound(f"There is no upload {part_id} under way here.", upload_id=part_id)
    return part


def _parts(front: Front) -> Collection[Part]:
    return Collection(front.ports.documents, "resumable", Part)


def _path(front: Front, part_id: str) -> Path:
    return front.ports.media.scratch / f"resumable-{part_id}"


def _expiry(front: Front) -> dict[str, str]:
    return {"Upload-Expires": (front.clock() + _KEPT).strftime("%a, %d %b %Y %H:%M:%S GMT")}


def _answer(status: int, headers: dict[str, str]) -> Response:
    return Response(status_code=status, headers={"Tus-Resumable": _VERSION, **headers})


def _metadata(header: str) -> dict[str, str]:
    """Pairs of a name and a text in base64. Raises InvalidParameter."""
    told = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            told[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidParameter("Upload-Metadata is not as tus defines it.") from None
    return told
