"""A signing key with a certificate of our own making, for installations that were given none."""

import os
import secrets
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.x509.oid import ExtendedKeyUsageOID

from services.common.self_made_certificates import certified_key, named

_VALID: Final = timedelta(days=365 * 20)
"""Long, because without a timestamp authority a signature is believed no longer than its certificate."""
_ORGANIZATION: Final = "Lipstage (self-made)"


def make_chain(folder: Path) -> None:
    """Puts key.pem and chain.pem into `folder`, readable by their owner only, unless it is there already.

    Of several processes that do so at once, one wins. Raises OSError.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    aside.mkdir(mode=0o700)
    key, chain = _key_and_chain()
    try:
        _write(aside / "key.pem", key)
        _write(aside / "chain.pem", chain)
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if not folder.exists():
            raise


def _key_and_chain() -> tuple[bytes, bytes]:
    # C2PA asks for a purpose; this is the one that its readers know for signing without further configuration.
    purpose = ExtendedKeyUsageOID.EMAIL_PROTECTION
    made = certified_key(named("Signer", _ORGANIZATION), named("Authority", _ORGANIZATION), purpose, _VALID)
    return made.key, made.certificate + made.authority


def _write(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(content)
