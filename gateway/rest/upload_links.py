"""Files at addresses that are permission enough: sent with PUT, in one piece or in parts, and read with GET."""

import mimetypes
import re
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from gateway.asking import FrontOf
from gateway.body_sizes import FILE_BYTES
from gateway.front import Front
from gateway.ids import new_id
from gateway.incoming_file import incoming_file
from gateway.partial_uploads import PartialUploads
from gateway.rest.media import stored_file
from gateway.upload_links import READ_PATH, WRITE_PATH, UploadPass
from services.common.errors import InvalidParameter, MediaTooLarge

router = APIRouter(include_in_schema=False)
_MOST_PARTS: Final = 10_000
_ETAG: Final = re.compile(r'"?([0-9a-f]{64})"?')
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
    """All parts together may be as large as the file. Raises MediaTooLarge."""
    granted = front.upload_links.check("write", word)
    path = front.ports.media.scratch / f"piece-{new_id(front.clock())}"
    try:
        with incoming_file(path, granted.at_most_bytes) as file:
            async for block in request.stream():
                file.write(block)
        await _put(_partial(front), granted, f"{_part(number, file.sha256)}-{file.bytes}", path)
    finally:
        path.unlink(missing_ok=True)
    etag = f'"{file.sha256}"'
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
    partial, account, upload = _partial(front), granted.account, granted.upload
    arrived = {piece.rpartition("-")[0]: piece for piece in await partial.pieces(account, upload)}
    parts = [_part_of(part) for part in sorted(sent.parts, key=lambda part: part.part_number)]
    if not arrived.keys() >= set(parts):
        raise InvalidParameter("A part has not arrived, or its etag is another one.")
    pieces = [arrived[part] for part in parts]
    kept = await front.uploads.receive(
        account, partial.joined(account, upload, pieces), filename, _media_type(filename), granted.at_most_bytes, upload
    )
    await partial.remove(account, upload)
    return {"etag": f'"{kept.sha256}"', "bytes": kept.bytes}


def _partial(front: Front) -> PartialUploads:
    return PartialUploads(front.ports.media)


async def _put(partial: PartialUploads, granted: UploadPass, piece: str, path: Path) -> None:
    """A piece is called after its part and its size. Raises MediaTooLarge, and keeps nothing of it then."""
    account, upload, at_most = granted
    await partial.put(account, upload, piece, path)
    # Afterwards, so that of several that arrive at once none is overlooked by all.
    if sum(int(name.rpartition("-")[2]) for name in await partial.pieces(account, upload)) > at_most:
        await partial.drop(account, upload, piece)
        raise MediaTooLarge(f"The parts are larger than the limit of {at_most / (1 << 20):g} MiB.", max_bytes=at_most)


def _part_of(part: SentPart) -> str:
    """Raises InvalidParameter."""
    if (etag := _ETAG.fullmatch(part.etag)) is None:
        raise InvalidParameter(f"Part {part.part_number} was not given that etag.")
    return _part(part.part_number, etag[1])


def _part(number: int, sha256: str) -> str:
    return f"{number:05d}-{sha256}"


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _media_type(filename: str) -> str:
    """Only what a browser plays: nobody else's page is to be shown from here."""
    guessed, _ = mimetypes.guess_type(filename)
    return guessed if guessed and guessed.startswith(("audio/", "video/")) else "application/octet-stream"
