"""Where the key and the certificates lie that this installation signs its outputs with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.common.errors import SigningFailed
from services.common.settings import Settings

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"


def signing_key_file(settings: Settings) -> Path:
    return settings.signing_key or self_made_dir(settings) / "key.pem"


def signing_chain_file(settings: Settings) -> Path:
    return settings.signing_chain or self_made_dir(settings) / "chain.pem"


def self_made_dir(settings: Settings) -> Path:
    return settings.signing_dir / "self-made"


def own_root(settings: Settings) -> str | None:
    """The highest certificate of our own chain, PEM: whose signatures are ours. None if nothing was ever signed here.

    Raises SigningFailed if the file cannot be read.
    """
    file = signing_chain_file(settings)
    if not file.exists() and settings.signing_chain is None:
        return None
    certificates = _certificates(file)
    return certificates[-1] if certificates else None


def _certificates(file: Path) -> Sequence[str]:
    try:
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SigningFailed(f"The certificates in “{file}” cannot be read.", path=str(file)) from error
    return [f"{_BEGIN}{rest}" for rest in text.split(_BEGIN)[1:]]
