"""fal's storage: its REST host hands out permissions to upload, its content network takes the bytes."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from gateway.accounts import Caller
from gateway.asking import FrontOf, Writer
from gateway.body_sizes import FILE_BYTES
from gateway.front import Front
from gateway.ids import new_id
from gateway.upload_links import WRITABLE_S, UploadPass
from gateway.webhooks.fal_key import fal_key
from gateway.webhooks.signatures import jwks
from services.common.errors import LinkInvalid

router = APIRouter()
FileName = Annotated[str, Header(alias="X-Fal-File-Name", max_length=300)]
_TOKEN: Final = re.compile(r"Bearer (\S+)")


class Announced(BaseModel):
    file_name: str = Field(default="upload.bin", max_length=300)
    content_type: str = "application/octet-stream"


@router.post("/rest/storage/auth/token")
async def token(front: FrontOf, caller: Writer) -> dict[str, Any]:
    """What the content network takes for a while in place of a key."""
    granted = UploadPass(caller.account.id, "", _at_most(front, caller))
    return {
        "token": front.upload_links.word("send any", granted, WRITABLE_S),
        "token_type": "Bearer",
        "base_url": f"{front.settings.base_url}/fal/cdn",
        "expires_at": (front.clock() + timedelta(seconds=WRITABLE_S)).isoformat(),
    }


@router.post("/cdn/files/upload", max_body_size=FILE_BYTES)
async def upload(request: Request, front: FrontOf, name: FileName = "upload.bin") -> dict[str, str]:
    granted = _granted(request, front)
    content_type = request.headers.get("content-type", "").partition(";")[0]
    kept = await front.uploads.receive(granted.account, request.stream(), name, content_type, granted.at_most_bytes)
    return {"access_url": front.upload_links.read(granted.account, kept.id, name)}


@router.post("/cdn/files/upload/multipart")
async def begin(request: Request, front: FrontOf, name: FileName = "upload.bin") -> dict[str, str]:
    """Parts then go below `access_url`; what the client calls the upload is its permission to send them."""
    granted = _granted(request, front)._replace(upload=new_id(front.clock()))
    word = front.upload_links.word("write", granted, WRITABLE_S)
    return {"access_url": front.upload_links.read(granted.account, granted.upload, name), "uploadId": word}


@router.post("/rest/storage/upload/initiate")
@router.post("/rest/storage/upload/initiate-multipart")
async def initiate(announced: Announced, front: FrontOf, caller: Writer) -> dict[str, str]:
    granted = UploadPass(caller.account.id, new_id(front.clock()), _at_most(front, caller))
    return {
        "upload_url": front.upload_links.write(granted, announced.file_name),
        "file_url": front.upload_links.read(granted.account, granted.upload, announced.file_name),
    }


@router.get("/rest/.well-known/jwks.json")
async def keys(front: FrontOf) -> dict[str, Any]:
    """What webhooks are checked with."""
    key = await fal_key(front.ports.documents, front.clock)
    return jwks([key.public_key()])


def _granted(request: Request, front: Front) -> UploadPass:
    """Raises LinkInvalid."""
    found = _TOKEN.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise LinkInvalid("The request carries no upload token; ask for one first.")
    return front.upload_links.check("send any", found[1])


def _at_most(front: Front, caller: Caller) -> int:
    return min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
