"""Requests under an idempotency key: the same one once more is answered with what the first one made."""

import hashlib

from pydantic import BaseModel, ConfigDict

from gateway.documents import Collection, Documents
from services.common.errors import IdempotencyConflict


class Begun(BaseModel):
    """Stored as `idempotency/<account>/<hash of the key>`."""

    model_config = ConfigDict(frozen=True)

    made: str
    """Id of the job or upload that the first request with the key was to make."""
    request_sha256: str


class Repetitions:
    def __init__(self, documents: Documents) -> None:
        self._begun = Collection(documents, "idempotency", Begun)

    async def first(self, account: str, key: str, request: bytes, new: str) -> str:
        """The id under which the request is to be done: `new`, or the one it was given before.

        Raises IdempotencyConflict when the key was used for another request, and Unavailable.
        """
        sha256 = hashlib.sha256(request).hexdigest()
        name = f"{account}/{hashlib.sha256(key.encode()).hexdigest()}"
        begun = await self._begun.create_once(name, Begun(made=new, request_sha256=sha256))
        if begun.request_sha256 != sha256:
            raise IdempotencyConflict("This idempotency key was used for another request.", made=begun.made)
        return begun.made
