"""Uploads that can be resumed after a broken connection: tus 1.0.0 with creation, expiration and termination."""

import base64
import binascii
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from starlette.requests import ClientDisconnect

from gateway.asking import FrontOf, Reader, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.front import Front
from gateway.resumable_uploads import Begun, ResumableUploads
from services.common.errors import DocumentExists, InputError, InvalidParameter, MediaTooLarge, ObjectMissing

router = APIRouter(tags=["uploads"], include_in_schema=False)
_VERSION: Final = "1.0.0"
_OFFSET_TYPE: Final = "application/offset+octet-stream"
Length = Annotated[int, Header(alias="Upload-Length", ge=1)]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0)]


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
    content_type = told.get("filetype", "application/octet-stream")
    begun = await _resumable(front).begin(caller.account.id, length, told.get("filename", ""), content_type)
    return _answer(201, {"Location": f"/v1alpha/uploads/resumable/{begun.id}", **_expiry(begun)})


@router.head("/uploads/resumable/{upload_id}")
async def look(upload_id: str, front: FrontOf, caller: Reader) -> Response:
    """Also of an upload that is whole: the answer to its last piece may have been lost."""
    begun = await _resumable(front).find(caller.account.id, upload_id)
    if begun is None:
        kept = await front.uploads.get(caller.account.id, upload_id)
        return _answer(200, {**_progress(kept.bytes, kept.bytes), "Lipstage-Source": kept.source})
    there = await _resumable(front).arrived(begun)
    return _answer(200, {**_progress(there, begun.length), **_expiry(begun), **await _whole(front, begun, there)})


@router.patch("/uploads/resumable/{upload_id}", max_body_size=FILE_BYTES)
async def append(upload_id: str, request: Request, front: FrontOf, caller: Writer, offset: Offset) -> Response:
    """Appends; the last piece makes it an upload, whose source is told. Raises what is wrong with the media."""
    resumable = _resumable(front)
    begun = await resumable.get(caller.account.id, upload_id)
    if request.headers.get("content-type") != _OFFSET_TYPE:
        return _answer(415, {})
    if offset != await resumable.arrived(begun):
        return _answer(409, {})
    try:
        there = await resumable.append(begun, offset, request.stream())
    except DocumentExists:
        return _answer(409, {})
    except ClientDisconnect:
        return _answer(400, {})  # to nobody
    return _answer(204, {"Upload-Offset": str(there), **_expiry(begun), **await _whole(front, begun, there)})


@router.delete("/uploads/resumable/{upload_id}")
async def give_up(upload_id: str, front: FrontOf, caller: Writer) -> Response:
    resumable = _resumable(front)
    await resumable.remove(await resumable.get(caller.account.id, upload_id))
    return _answer(204, {})


async def _whole(front: Front, begun: Begun, there: int) -> dict[str, str]:
    """Makes the upload once everything has arrived, and tells its source. Raises what is wrong with the media."""
    if there < begun.length:
        return {}
    resumable = _resumable(front)
    try:
        upload = await front.uploads.receive(
            begun.account, resumable.content(begun), begun.filename, begun.content_type, begun.length, begun.id
        )
    except ObjectMissing:  # another gateway was asked too, has made the upload and removed its pieces
        upload = await front.uploads.get(begun.account, begun.id)
    except InputError:
        await resumable.remove(begun)
        raise
    await resumable.remove(begun)
    return {"Lipstage-Source": upload.source}


def _resumable(front: Front) -> ResumableUploads:
    return ResumableUploads(front.ports.documents, front.ports.media, front.clock)


def _progress(there: int, length: int) -> dict[str, str]:
    return {"Upload-Offset": str(there), "Upload-Length": str(length), "Cache-Control": "no-store"}


def _expiry(begun: Begun) -> dict[str, str]:
    return {"Upload-Expires": begun.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT")}


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
