"""Addresses that let anybody who has them fetch one object for a while, without a key."""

import hmac
import re
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from services.common.errors import LinkInvalid

PATH = "/media/"
_MOMENT = re.compile("[0-9]{1,12}")
"""Unix time."""


class Links(Protocol):
    def link(self, name: str, valid_s: float, filename: str | None = None) -> str:
        """A GET of the object; with `filename` a browser that saves it calls it that."""
        ...

    def name_in(self, url: str) -> str | None:
        """The object that a link of this kind leads to; None for other addresses. Raises LinkInvalid."""
        ...


class OwnLinks:
    """Links to the gateway itself, which then reads the object from the media store."""

    def __init__(self, base_url: str, secret: bytes, clock_s: Callable[[], float] = time.time) -> None:
        self._base_url, self._secret, self._clock_s = base_url.rstrip("/"), secret, clock_s

    def link(self, name: str, valid_s: float, filename: str | None = None) -> str:
        # In steps, so that asking again soon gives the same address and caches can do their work.
        step_s = max(1, int(valid_s) // 8)
        expires = (int(self._clock_s() + valid_s) // step_s + 1) * step_s
        query = {"expires": str(expires), "signature": self._signature(name, expires, filename or "")}
        if filename:
            query["filename"] = filename
        return f"{self._base_url}{PATH}{quote(name)}?{urlencode(query)}"

    def check(self, name: str, expires: int, signature: str, filename: str) -> None:
        """Raises LinkInvalid."""
        if not hmac.compare_digest(signature.encode(), self._signature(name, expires, filename).encode()):
            raise LinkInvalid("This link's signature is wrong.")
        if self._clock_s() > expires:
            raise LinkInvalid("This link has expired.")

    def name_in(self, url: str) -> str | None:
        """The object that a link of our own leads to; None for other addresses. Raises LinkInvalid."""
        if not url.startswith(f"{self._base_url}{PATH}"):
            return None
        address = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        name = unquote(address.path.removeprefix(urlsplit(self._base_url).path + PATH))
        if not _MOMENT.fullmatch(query.get("expires", "")):
            raise LinkInvalid("This link has no expiry.")
        self.check(name, int(query["expires"]), query.get("signature", ""), query.get("filename", ""))
        return name

    def _signature(self, name: str, expires: int, filename: str) -> str:
        return hmac.digest(self._secret, f"{name}\n{expires}\n{filename}".encode(), sha256).hex()
