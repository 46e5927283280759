"""What the hosted routes have no field for comes as headers, in every dialect."""

import hashlib
import secrets
from dataclasses import dataclass

_SEED_BITS = 32


@dataclass(frozen=True)
class Extras:
    idempotency_key: str | None = None
    consent_id: str | None = None


def drawn_seed(extras: Extras) -> int:
    """By chance; the same again when a request is repeated with its key, or it would count as another request."""
    if extras.idempotency_key is None:
        return secrets.randbits(_SEED_BITS)
    return int.from_bytes(hashlib.sha256(extras.idempotency_key.encode()).digest()[: _SEED_BITS // 8])
