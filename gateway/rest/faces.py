"""Who can be seen in a video, for choosing who is dubbed."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from gateway.asking import FrontOf, Reader
from gateway.rest.examples import FACES, FACES_SOURCE
from gateway.seen import LATEST_S, faces_seen

router = APIRouter(tags=["uploads"])

Source = Annotated[
    str,
    Query(
        max_length=2048,
        description="`upload:` and an upload's id, or an address that the upload has here.",
        openapi_examples=FACES_SOURCE,
    ),
]
AtS = Annotated[float, Query(ge=0, le=LATEST_S, description="Seconds; the frame that is looked at first.")]


class FaceView(BaseModel):
    """Tight around the face and within the picture."""

    x: float
    y: float
    w: float
    h: float


class FacesView(BaseModel):
    """All lengths are in pixels of the upright picture."""

    model_config = ConfigDict(json_schema_extra={"examples": [FACES]})

    width: int
    height: int
    at_s: float
    """When the frame is shown in which they are seen: a later one if nobody is in the one asked for."""
    faces: list[FaceView]
    """Largest first; empty where nobody was found in any frame that was looked at."""


@router.get("/faces")
async def faces(front: FrontOf, caller: Reader, source: Source, at_s: AtS = 0.0) -> FacesView:
    """The faces in one frame of an upload. A job names one as `speaker`, `point:X,Y`, in fractions of the frame."""
    seen = await faces_seen(front, caller, source, at_s)
    boxes = [FaceView(x=round(b.x, 2), y=round(b.y, 2), w=round(b.w, 2), h=round(b.h, 2)) for b in seen.faces]
    return FacesView(width=seen.width, height=seen.height, at_s=seen.at_s, faces=boxes)
