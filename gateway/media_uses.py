"""Who needs an input: jobs and uploads of the same content share one object, which goes with the last of them."""

from pydantic import BaseModel, ConfigDict

from gateway.documents import Collection, Documents
from services.common.new_job import Content
from services.common.ports import MediaStore


class Use(BaseModel):
    """Stored as `uses/<sha256>/<job or upload>`, before the content is stored."""

    model_config = ConfigDict(frozen=True)

    suffix: str


class MediaUses:
    def __init__(self, documents: Documents, media: MediaStore) -> None:
        self._uses = Collection(documents, "uses", Use)
        self._media = media

    async def add(self, content: Content, user: str) -> None:
        await self._uses.create_once(f"{content.sha256}/{user}", Use(suffix=content.suffix))

    async def all(self) -> list[tuple[str, str]]:
        """Hashes and who uses their contents."""
        return [(sha256, user) for sha256, user in (key.split("/") for key in await self._uses.keys())]

    async def used(self, sha256: str, user: str) -> Content | None:
        use = await self._uses.find(f"{sha256}/{user}")
        return Content(sha256, use.suffix) if use else None

    async def drop(self, content: Content, user: str) -> bool:
        """Whether the object went, because nobody else needs it."""
        await self._uses.delete(f"{content.sha256}/{user}")
        others = [use async for use in self._uses.all(f"{content.sha256}/")]
        if any(use.suffix == content.suffix for use in others):
            return False
        await self._media.delete(content.object_name)
        return True
