"""Signatures as the client libraries check them, or, where they have no check, as the services' prose says."""

import base64
import hashlib
import hmac
import json
import re
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.webhooks.signatures import (
    Headers,
    fal_headers,
    jwks,
    shown_secret,
    standard_headers,
    sync_headers,
    wavespeed_headers,
)

SECRET = base64.b64encode(bytes(range(200, 232))).decode()
BODY = '{"id":"0192","status":"completed","note":"¡olé! 日本"}'
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_the_secret_has_letters_that_only_standard_base64_has() -> None:
    """So that the tests below would notice a URL-safe alphabet, which Replicate's library cannot read."""
    assert set("+/") & set(SECRET)


def test_the_standard_library_accepts_a_native_webhook() -> None:
    headers = standard_headers(SECRET, "0192-completed", int(time.time()), BODY.encode())

    assert Webhook(shown_secret(SECRET)).verify(BODY, headers) == json.loads(BODY)


def test_the_standard_library_refuses_another_body_another_secret_and_an_old_time() -> None:
    now = int(time.time())
    headers = standard_headers(SECRET, "0192-completed", now, BODY.encode())
    old = standard_headers(SECRET, "0192-completed", now - 301, BODY.encode())

    for secret, body, sent in ((SECRET, BODY + " ", headers), ("AAAA", BODY, headers), (SECRET, BODY, old)):
        with pytest.raises(WebhookVerificationError):
            Webhook(shown_secret(secret)).verify(body, sent)


def test_replicates_library_accepts_a_replicate_webhook() -> None:
    headers = standard_headers(SECRET, "0192-completed", int(time.time()), BODY.encode())

    Webhooks.validate(headers=headers, body=BODY, secret=WebhookSigningSecret(key=shown_secret(SECRET)), tolerance=300)


def test_replicates_library_refuses_another_body() -> None:
    headers = standard_headers(SECRET, "0192-completed", int(time.time()), BODY.encode())

    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers, body=BODY + " ", secret=WebhookSigningSecret(key=shown_secret(SECRET)))


def test_wavespeeds_prose_holds() -> None:
    """Take the prefix off the secret, do not decode the rest; HMAC-SHA256 of id.timestamp.body; v3, hexadecimal."""
    headers = wavespeed_headers(SECRET, "0192", 1_750_000_000, BODY.encode())

    secret = shown_secret(SECRET)
    assert secret.startswith("whsec_")
    signed = ".".join([headers["webhook-id"], headers["webhook-timestamp"], BODY])
    expected = hmac.digest(secret[len("whsec_") :].encode(), signed.encode(), "sha256").hex()
    assert headers == {
        "webhook-id": "0192",
        "webhook-timestamp": "1750000000",
        "webhook-signature": f"v3,{expected}",
    }


def test_syncs_prose_holds() -> None:
    """HMAC-SHA256 of timestamp.body, keyed with the secret as it is shown, in hexadecimal, behind the time."""
    headers = sync_headers(SECRET, 1_750_000_000, BODY.encode())

    found = re.fullmatch(r"t=(\d+),v1=(.+)", headers["Sync-Signature"])
    assert found
    expected = hmac.digest(shown_secret(SECRET).encode(), f"{found[1]}.{BODY}".encode(), "sha256").hex()
    assert found.groups() == ("1750000000", expected)


def test_fals_prose_holds_with_another_ed25519() -> None:
    headers = fal_headers(KEY, "0192", "acct", 1_750_000_000, BODY.encode())

    assert verified_as_fal_documents(headers, BODY.encode(), [jwks([KEY.public_key()])["keys"][1]["x"]])
    assert not verified_as_fal_documents(headers, BODY.encode() + b" ", [jwks([KEY.public_key()])["keys"][1]["x"]])


def test_the_key_set_serves_who_adds_padding_and_who_does_not() -> None:
    headers = fal_headers(KEY, "0192", "acct", 1_750_000_000, BODY.encode())
    other = Ed25519PrivateKey.generate()
    keys = [key["x"] for key in jwks([other.public_key(), KEY.public_key()])["keys"]]

    assert verified_as_fal_documents(headers, BODY.encode(), keys)
    assert verified_as_fal_documents(headers, BODY.encode(), [key + "=" for key in keys if not key.endswith("=")])


def test_each_key_is_a_json_web_key_of_its_own_name() -> None:
    keys = jwks([KEY.public_key(), Ed25519PrivateKey.generate().public_key()])["keys"]

    assert len({key["kid"] for key in keys}) == len(keys) == 4
    assert all((key["kty"], key["crv"], key["use"]) == ("OKP", "Ed25519", "sig") for key in keys)
    assert keys[0]["x"] == base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw()).decode().rstrip("=")


def verified_as_fal_documents(headers: Headers, body: bytes, keys: list[str]) -> bool:
    """Request id, user id, timestamp and SHA-256 of the body, a line each; any key may fit, failures are passed by."""
    parts = [headers[f"X-Fal-Webhook-{name}"] for name in ("Request-Id", "User-Id", "Timestamp")]
    message = "\n".join([*parts, hashlib.sha256(body).hexdigest()]).encode()
    for key in keys:
        try:
            VerifyKey(base64.urlsafe_b64decode(key)).verify(message, bytes.fromhex(headers["X-Fal-Webhook-Signature"]))
        except (BadSignatureError, ValueError):
            continue
        return True
    return False
