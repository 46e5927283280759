"""Signed links of our own: whoever has one gets the object, in part if asked for."""

from contextlib import AsyncExitStack
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from gateway.asking import FrontOf
from gateway.front import Front
from gateway.job_views import MEDIA_TYPES
from services.common.errors import ObjectMissing

router = APIRouter(include_in_schema=False)


@router.api_route("/media/{name:path}", methods=["GET", "HEAD"])
async def media(
    name: str, front: FrontOf, expires: int, signature: str, filename: Annotated[str, Query(max_length=200)] = ""
) -> FileResponse:
    """Answers 200 or 206 and never redirects: some clients do not follow."""
    front.own_links.check(name, expires, signature, filename)
    return await stored_file(front, name, MEDIA_TYPES.get(PurePosixPath(name).suffix), filename)


async def stored_file(front: Front, name: str, media_type: str | None, filename: str) -> FileResponse:
    """Raises ObjectMissing, also for what was deleted and is still in this process's cache."""
    if not await front.ports.media.exists(name):
        raise ObjectMissing("This file is not kept any more.", name=name)
    async with AsyncExitStack() as held:
        path = await held.enter_async_context(front.ports.media.local(name))
        kept = held.pop_all()
    return FileResponse(
        path,
        media_type=media_type,
        filename=filename or None,
        content_disposition_type="inline",
        headers={"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"},
        background=BackgroundTask(kept.aclose),
    )
