"""Files at addresses that are permission enough: sent with PUT, in one piece or in parts, and read with GET."""

import hashlib
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from gateway.asking import FrontOf
from gateway.body_sizes import FILE_BYTES
from gateway.front import Front
from gateway.rest.media import stored_file
from gateway.upload_links import READ_PATH, WRITE_PATH
from services.common.errors import InvalidParameter, MediaTooLarge

router = APIRouter(include_in_schema=False)
_MOST_PARTS: Final = 10_000
_BLOCK_BYTES: Final = 1 << 20
PartNumber = Annotated[int, InPath(ge=1, le=_MOST_PARTS)]


class SentPart(BaseModel):
    part_number: int = Field(alias="partNumber", ge=1, le=_MOST_PARTS)
    etag: str


class SentParts(BaseModel):
    parts: list[SentPart] = Field(min_length=1, max_length=_MOST_PARTS)


@router.api_route(READ_PATH + "{word}/{filename}", methods=["GET", "HEAD"])
async def read(word: str, filename: str, front: FrontOf) -> FileResponse:
    granted = front.upload_links.check("read", word)
    upload = await front.uploads.get(granted.account, granted.upload)
    return await stored_file(front, upload.content.object_name, _media_type(filename), filename)


@router.put(WRITE_PATH + "{word}/{filename}", max_body_size=FILE_BYTES)
async def write(word: str, filename: str, request: Request, front: FrontOf) -> Response:
    """Sending the same file again is harmless. Raises what is wrong with it."""
    granted = front.upload_links.check("write", word)
    kept = await front.uploads.receive(
        granted.account, request.stream(), filename, _content_type(request), granted.at_most_bytes, granted.upload
    )
    return Response(headers={"ETag": f'"{kept.sha256}"'})


@router.put(WRITE_PATH + "{word}/{filename}/{number}", max_body_size=FILE_BYTES)
@router.put(READ_PATH + "{address}/{filename}/multipart/{word}/{number}", max_body_size=FILE_BYTES)
async def write_part(word: str, number: PartNumber, request: Request, front: FrontOf) -> Response:
    granted = front.upload_links.check("write", word)
    digest, size = hashlib.sha256(), 0
    with _part(front, granted.upload, number).open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > granted.at_most_bytes:
                raise MediaTooLarge(f"A part is larger than {granted.at_most_bytes} bytes.")
            digest.update(piece)
            file.write(piece)
    etag = f'"{digest.hexdigest()}"'
    return Response(
        SentPart(partNumber=number, etag=etag).model_dump_json(by_alias=True),
        media_type="application/json",
        headers={"ETag": etag},
    )


@router.post(WRITE_PATH + "{word}/{filename}/complete")
@router.post(READ_PATH + "{address}/{filename}/multipart/{word}/complete")
async def complete(word: str, filename: str, sent: SentParts, front: FrontOf) -> dict[str, Any]:
    """Makes one upload of the parts. Raises InvalidParameter when one is not there."""
    granted = front.upload_links.check("write", word)
    paths = [_part(front, granted.upload, part.part_number) for part in sorted(sent.parts, key=lambda p: p.part_number)]
    if not all(path.exists() for path in paths):
        raise InvalidParameter("A part has not arrived here.")
    kept = await front.uploads.receive(
        granted.account, _together(paths), filename, _media_type(filename), granted.at_most_bytes, granted.upload
    )
    for path in paths:
        path.unlink(missing_ok=True)
    return {"etag": f'"{kept.sha256}"', "bytes": kept.bytes}


async def _together(paths: list[Path]) -> AsyncIterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block


def _part(front: Front, upload: str, number: int) -> Path:
    """On this gateway's own disk: behind a balancer, a client must stay with one gateway."""
    return front.ports.media.scratch / f"part-{upload}-{number:05d}"


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _media_type(filename: str) -> str:
    """Only what a browser plays: nobody else's page is to be shown from here."""
    guessed, _ = mimetypes.guess_type(filename)
    return guessed if guessed and guessed.startswith(("audio/", "video/")) else "application/octet-stream"
