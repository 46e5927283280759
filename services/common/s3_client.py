"""The S3 client as this project uses it: time limits on every request, objects created but never replaced."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from minio import Minio
from pydantic import BaseModel, ConfigDict

CONNECT_S, ANSWER_S = 3.0, 20.0
"""How long a connection may take, and each wait for bytes on it."""
CONNECTIONS = 16


@dataclass(frozen=True)
class S3Access:
    """Where the bucket is, and who asks."""

    url: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


class S3Support(BaseModel):
    """What a server was found to support of the parts of S3 that not every server has."""

    model_config = ConfigDict(frozen=True)

    put_once: bool = False
    """A put with `If-None-Match: *` is refused when the name exists."""
    put_parts_once: bool = False
    """So is the completion of a multipart upload."""
    work_expires: bool = False
    """Objects under work/ are removed after a week."""
    uploads_expire: bool = False
    """Parts of uploads that were never completed are removed."""


def s3_client(access: S3Access, once: S3Support | None = None) -> Minio:
    """A client whose writes fail with PreconditionFailed where the name exists, as far as `once` supports that.

    Without `once` they replace what is there.
    """
    address = urlsplit(access.url)
    return Minio(
        address.netloc,
        access_key=access.access_key,
        secret_key=access.secret_key,
        secure=address.scheme == "https",
        region=access.region,
        http_client=_WritingOnce(once or S3Support()),
    )


class _WritingOnce(urllib3.PoolManager):
    """The client has no argument for conditional writes. Their header needs no signature, so it is added here."""

    def __init__(self, support: S3Support) -> None:
        super().__init__(timeout=urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S), retries=False, maxsize=CONNECTIONS)
        self._support = support

    def urlopen(  # type: ignore[override]  # as in the base class
        self, method: str, url: str, redirect: bool = True, **kw: Any
    ) -> urllib3.BaseHTTPResponse:
        of_parts = "uploadId" in parse_qs(urlsplit(url).query)
        puts = method == "PUT" and not of_parts and self._support.put_once
        completes = method == "POST" and of_parts and self._support.put_parts_once
        if puts or completes:
            kw["headers"]["If-None-Match"] = "*"
        return super().urlopen(method, url, redirect=redirect, **kw)
