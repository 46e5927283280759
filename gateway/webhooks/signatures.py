"""How what is posted to a webhook is signed, in every dialect's own way.

`secret` is an account's as it is stored: base64 without the prefix that callers see. `timestamp` is Unix seconds.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Headers = dict[str, str]

SECRET_PREFIX: Final = "whsec_"


def shown_secret(secret: str) -> str:
    """The secret as callers are told it."""
    return SECRET_PREFIX + secret


def standard_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> Headers:
    """Standard Webhooks, and Replicate: keyed with the bytes that the secret encodes."""
    digest = _hmac(base64.b64decode(secret), f"{message_id}.{timestamp}.", body).digest()
    return _webhook_headers(message_id, timestamp, f"v1,{base64.b64encode(digest).decode()}")


def wavespeed_headers(secret: str, task_id: str, timestamp: int, body: bytes) -> Headers:
    """WaveSpeed: the same headers, but keyed with the secret's letters, and hexadecimal."""
    digest = _hmac(secret.encode(), f"{task_id}.{timestamp}.", body).hexdigest()
    return _webhook_headers(task_id, timestamp, f"v3,{digest}")


def sync_headers(secret: str, timestamp: int, body: bytes) -> Headers:
    """sync.so: keyed with the whole of what callers see, prefix and all."""
    digest = _hmac(shown_secret(secret).encode(), f"{timestamp}.", body).hexdigest()
    return {"Sync-Signature": f"t={timestamp},v1={digest}"}


def fal_headers(key: Ed25519PrivateKey, request_id: str, user_id: str, timestamp: int, body: bytes) -> Headers:
    """fal: Ed25519, to be checked with what `jwks` publishes."""
    signed = "\n".join([request_id, user_id, str(timestamp), hashlib.sha256(body).hexdigest()])
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": user_id,
        "X-Fal-Webhook-Timestamp": str(timestamp),
        "X-Fal-Webhook-Signature": key.sign(signed.encode()).hex(),
    }


def jwks(keys: Iterable[Ed25519PublicKey]) -> dict[str, list[dict[str, str]]]:
    """The keys as a JSON Web Key Set (RFC 7517, RFC 8037).

    Each is in it twice: as the standard wants it, and padded, because the Python example that fal publishes decodes
    without adding the padding and passes over what fails.
    """
    return {"keys": [entry for key in keys for entry in _entries(key.public_bytes_raw())]}


def _entries(raw: bytes) -> list[dict[str, str]]:
    padded = base64.urlsafe_b64encode(raw).decode()
    name = hashlib.sha256(raw).hexdigest()[:16]
    return [
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": name, "x": padded.rstrip("=")},
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": f"{name}-padded", "x": padded},
    ]


def _webhook_headers(message_id: str, timestamp: int, signature: str) -> Headers:
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def _hmac(key: bytes, head: str, body: bytes) -> hmac.HMAC:
    return hmac.new(key, head.encode() + body, hashlib.sha256)
