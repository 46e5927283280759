"""The token of an API key: `ls_<key id>_<secret>`, or `<key id>:<secret>` where a client wants two parts."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from services.common.errors import Unauthenticated

_SECRET_BYTES = 25
"""200 bits: nobody guesses it, so one pass of SHA-256 is enough to store it. A multiple of 5, as base 32 wants it."""
_KEY, _SECRET = r"([0-9a-f]{32})", r"([a-z2-7]{40})"
_SCHEMES = {"bearer", "key", "token"}
_FORMS = (re.compile(f"ls_{_KEY}_{_SECRET}"), re.compile(f"{_KEY}:{_SECRET}"))


class Presented(NamedTuple):
    """What a caller's token claims."""

    key: str
    secret_sha256: str


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().lower()


def token(key: str, secret: str) -> str:
    return f"ls_{key}_{secret}"


def presented(token: str) -> Presented | None:
    """None for what cannot be a token."""
    for form in _FORMS:
        if found := form.fullmatch(token):
            return Presented(found[1], sha256(found[2]))
    return None


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def token_in(headers: Mapping[str, str]) -> str:
    """From `Authorization: Bearer|Key|Token …` or `x-api-key`. Raises Unauthenticated when there is none.

    The names are looked up in lower case, as also gRPC's metadata have them.
    """
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    token = credentials if scheme.lower() in _SCHEMES else headers.get("x-api-key", "")
    if not token.strip():
        raise Unauthenticated("The request carries no API key; send it as Authorization: Bearer KEY.")
    return token.strip()
