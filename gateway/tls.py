"""A certificate of our own for this machine, so that clients that insist on https can be tried here."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.common.http_server import Tls
from services.common.self_made_certificates import certified_key, named

_VALID = timedelta(days=365)
_NAME = "localhost"
_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class LocalTls(Tls):
    authority: Path
    """What clients must be told to trust, PEM."""


def local_tls(folder: Path) -> LocalTls:
    """Makes them unless they are there and good for another day; only their owner can read the key."""
    files = LocalTls(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    if not _is_good(files):
        folder.mkdir(parents=True, exist_ok=True)
        _make(files)
    return files


def _is_good(files: LocalTls) -> bool:
    if not (files.authority.exists() and files.chain.exists() and files.key.exists()):
        return False
    until = x509.load_pem_x509_certificate(files.chain.read_bytes()).not_valid_after_utc
    return until - datetime.now(UTC) > timedelta(days=1)


def _make(files: LocalTls) -> None:
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    made = certified_key(
        named(_NAME),
        named("Lipstage on this machine"),
        ExtendedKeyUsageOID.SERVER_AUTH,
        _VALID,
        [x509.DNSName(_NAME), *addresses],
    )
    files.authority.write_bytes(made.authority)
    files.chain.write_bytes(made.certificate)
    files.key.touch(mode=0o600)
    files.key.write_bytes(made.key)
