"""Addresses that let whoever has them send one upload, read it, or watch one job, without a key."""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

from gateway.uploads import KEPT
from services.common.errors import LinkInvalid

READ_PATH: Final = "/files/"
WRITE_PATH: Final = "/incoming/"
FILES_BY_ID: Final = ("/v1/files/", "/v1/v1/files/")
"""Where Replicate's callers find an upload's description; they name the upload by it."""
WRITABLE_S: Final = 3600.0

Purpose = Literal["read", "write", "send any", "watch"]


class UploadPass(NamedTuple):
    account: str
    """The key of who may watch, where a job is to be watched."""
    upload: str
    """Empty where the pass is for any number of new ones; a job where it is to be watched."""
    at_most_bytes: int = 0


class UploadLinks:
    """A pass for the one purpose is no good for the other."""

    def __init__(self, base_url: str, secret: bytes, clock_s: Callable[[], float] = time.time) -> None:
        self._base_url, self._clock_s = base_url.rstrip("/"), clock_s
        # A key of their own: no signature of another kind of link can be one of these.
        self._key = hmac.digest(secret, b"uploads", sha256)

    def read(self, account: str, upload: str, filename: str) -> str:
        word = self.word("read", UploadPass(account, upload), KEPT.total_seconds())
        return f"{self._base_url}{READ_PATH}{word}/{_part(filename)}"

    def write(self, granted: UploadPass, filename: str) -> str:
        """Where the file's bytes are put."""
        return f"{self._base_url}{WRITE_PATH}{self.word('write', granted, WRITABLE_S)}/{_part(filename)}"

    def word(self, purpose: Purpose, granted: UploadPass, valid_s: float) -> str:
        """What proves the pass, of characters that a path may hold."""
        said = f"{granted.account}.{granted.upload}.{granted.at_most_bytes}.{int(self._clock_s() + valid_s)}"
        return f"{said}.{self._signature(purpose, said)}"

    def check(self, purpose: Purpose, word: str) -> UploadPass:
        """Raises LinkInvalid."""
        said, _, signature = word.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(purpose, said).encode()):
            raise LinkInvalid("This link's signature is wrong.")
        account, upload, at_most_bytes, expires = said.split(".")
        if self._clock_s() > int(expires):
            raise LinkInvalid("This link has expired.")
        return UploadPass(account, upload, int(at_most_bytes))

    def named_in(self, account: str, url: str) -> UploadPass | None:
        """The upload that an address of ours names to this account; None for others. Raises LinkInvalid."""
        for path in FILES_BY_ID:
            if url.startswith(self._base_url + path):
                return UploadPass(account, url.removeprefix(self._base_url + path))
        if not url.startswith(self._base_url + READ_PATH):
            return None
        word, _, _ = url.removeprefix(self._base_url + READ_PATH).partition("/")
        return self.check("read", word)

    def _signature(self, purpose: Purpose, said: str) -> str:
        return hmac.digest(self._key, f"{purpose}.{said}".encode(), sha256).hex()


def _part(filename: str) -> str:
    """One part of a path, whatever the caller calls the file."""
    name = filename.replace("\\", "/").rpartition("/")[2].strip(". ")
    return quote(name[-100:], safe="") or "file"
