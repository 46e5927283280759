"""Who can be seen in an upload: asked of those who have the face detector."""

from typing import Final

from gateway.accounts import Caller
from gateway.front import Front
from gateway.probing import AudioFacts
from services.common.errors import InvalidParameter, NoVideoStream
from services.common.messages import FacesAnswer, FacesQuestion

LATEST_S: Final = 24 * 3600.0
"""Later than any video that is taken ends."""


async def faces_seen(front: Front, caller: Caller, source: str, at_s: float) -> FacesAnswer:
    """Raises UploadNotFound, LinkInvalid, InvalidParameter, NoVideoStream or Unavailable."""
    upload = await front.sources.uploaded(caller.account.id, source)
    if upload is None:
        raise InvalidParameter("Faces are looked for in uploads: give upload: and an upload's id, or its address here.")
    if isinstance(upload.facts, AudioFacts):
        raise NoVideoStream("The upload has no pictures.")
    return await front.ports.bus.ask(FacesQuestion(video=upload.content.object_name, at_s=at_s))
