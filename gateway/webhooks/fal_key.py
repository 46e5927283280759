"""The key that webhooks in fal's way are signed with: one for the installation, made when it is first needed."""

import base64
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field

from gateway.clock import Clock
from gateway.documents import Collection, Documents


class StoredKey(BaseModel):
    """Stored as `signing-keys/fal`."""

    model_config = ConfigDict(frozen=True)

    seed: str = Field(repr=False)
    """32 bytes in standard base64."""
    created_at: datetime


async def fal_key(documents: Documents, clock: Clock) -> Ed25519PrivateKey:
    """The same for all replicas and after every restart. Raises Unavailable."""
    keys = Collection(documents, "signing-keys", StoredKey)
    stored = await keys.find("fal") or await keys.create_once("fal", _new(clock()))
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored.seed))


def _new(now: datetime) -> StoredKey:
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    return StoredKey(seed=base64.b64encode(seed).decode(), created_at=now)
