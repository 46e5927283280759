"""What docs/api/webhooks.md says is so: its examples accept our webhooks and refuse others."""

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.datastructures import Headers

from gateway.webhooks import schedule
from gateway.webhooks.signatures import (
    fal_headers,
    jwks,
    shown_secret,
    standard_headers,
    sync_headers,
    wavespeed_headers,
)

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "api" / "webhooks.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"^(?P<dialect>native|replicate|wavespeed|sync\.so|fal)[^\n]*:\n\n```python\n(?P<code>.*?)```", re.I | re.M | re.S
)
SECRET = base64.b64encode(bytes(range(200, 232))).decode()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BODY = b'{"id":"0192"}'
FIVE_MINUTES_AGO = 301

Sign = Callable[[int, bytes], dict[str, str]]
SIGNED: dict[str, tuple[Sign, Any]] = {
    "native": (lambda t, body: standard_headers(SECRET, "0192-completed", t, body), shown_secret(SECRET)),
    "replicate": (lambda t, body: standard_headers(SECRET, "0192-completed", t, body), shown_secret(SECRET)),
    "wavespeed": (lambda t, body: wavespeed_headers(SECRET, "0192", t, body), shown_secret(SECRET)),
    "sync.so": (lambda t, body: sync_headers(SECRET, t, body), shown_secret(SECRET)),
    "fal": (lambda t, body: fal_headers(KEY, "0192", "acme", t, body), jwks([KEY.public_key()])["keys"]),
}
"""How each dialect's webhooks are signed, and what a receiver has to check them with."""


def example(dialect: str) -> Callable[[Headers, bytes, Any], Any]:
    codes = {found["dialect"].lower(): found["code"] for found in EXAMPLE.finditer(PAGE)}
    assert codes[dialect].count("\n") <= 12
    names: dict[str, Any] = {}
    exec(codes[dialect], names)
    verified: Callable[[Headers, bytes, Any], Any] = names["verified"]
    return verified


@pytest.mark.parametrize("dialect", SIGNED)
def test_the_example_accepts_what_we_sign(dialect: str) -> None:
    sign, key = SIGNED[dialect]
    headers = Headers(sign(int(time.time()), BODY))

    assert example(dialect)(headers, BODY, key) == {"id": "0192"}


@pytest.mark.parametrize("dialect", SIGNED)
def test_the_example_refuses_another_body(dialect: str) -> None:
    sign, key = SIGNED[dialect]
    headers = Headers(sign(int(time.time()), BODY))

    with pytest.raises(Exception, match=r"(?i)signature|forged"):
        example(dialect)(headers, BODY + b" ", key)


@pytest.mark.parametrize("dialect", SIGNED)
def test_the_example_refuses_an_old_webhook(dialect: str) -> None:
    sign, key = SIGNED[dialect]
    headers = Headers(sign(int(time.time()) - FIVE_MINUTES_AGO, BODY))

    with pytest.raises(Exception, match=r"(?i)old|timestamp"):
        example(dialect)(headers, BODY, key)


def test_the_page_names_the_schedule() -> None:
    units = ((3600, "h"), (60, "min"), (1, "s"))
    pauses = [next(f"{pause // size} {unit}" for size, unit in units if pause >= size) for pause in schedule.PAUSES_S]

    assert ", ".join(pauses) in " ".join(PAGE.split())
