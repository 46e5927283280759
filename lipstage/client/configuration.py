"""Where the gateway is, and with what key it is asked."""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from lipstage.client.errors import NotConfigured
from lipstage.client.steps import Request

NATIVE = "/v1alpha"
Verify = bool | str | Path | ssl.SSLContext
"""True: the system's authorities, or those that SSL_CERT_FILE names. A path: the authorities in that file, PEM."""


@dataclass(frozen=True)
class Configuration:
    base_url: str
    key: str = field(repr=False)

    def url(self, request: Request) -> str:
        return f"{self.base_url}{NATIVE}{request.address}" if _is_ours(request) else request.address

    def headers(self, request: Request) -> dict[str, str]:
        if _is_ours(request):
            return {"Authorization": f"Bearer {self.key}", **request.headers}
        return dict(request.headers)


def configuration(base_url: str | None, key: str | None) -> Configuration:
    """What is not given comes from LIPSTAGE_URL and LIPSTAGE_API_KEY. Raises NotConfigured."""
    base_url, key = base_url or os.environ.get("LIPSTAGE_URL"), key or os.environ.get("LIPSTAGE_API_KEY")
    if not base_url:
        raise NotConfigured("invalid_parameter", "Say where the gateway is: give base_url or set LIPSTAGE_URL.")
    if not key:
        raise NotConfigured("invalid_parameter", "A key is needed: give key or set LIPSTAGE_API_KEY.")
    return Configuration(base_url.rstrip("/"), key)


def trust(verify: Verify) -> bool | ssl.SSLContext:
    return ssl.create_default_context(cafile=verify) if isinstance(verify, str | Path) else verify


def _is_ours(request: Request) -> bool:
    return request.address.startswith("/")
