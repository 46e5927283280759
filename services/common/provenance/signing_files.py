"""Where the key and the certificates lie that this installation signs its outputs with."""

from pathlib import Path
from typing import Final

from services.common.errors import SigningFailed
from services.common.settings import Settings

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


def signing_key_file(settings: Settings) -> Path:
    return settings.signing_key or self_made_dir(settings) / "key.pem"


def signing_chain_file(settings: Settings) -> Path:
    return settings.signing_chain or self_made_dir(settings) / "chain.pem"


def self_made_dir(settings: Settings) -> Path:
    return settings.signing_dir / "self-made"


def own_root(settings: Settings) -> str | None:
    """The highest certificate of our own chain, PEM: whose signatures are ours. None if nothing was ever signed here.

    Raises SigningFailed if the file cannot be read or holds none.
    """
    file = signing_chain_file(settings)
    if settings.signing_chain is None and not file.exists():
        return None
    try:
        text = file.read_text(errors="replace")  # people put names before certificates, in any encoding
    except OSError as error:
        sentence = f"The certificates in “{file}” cannot be read: {error.strerror}."
        raise SigningFailed(sentence, path=str(file)) from error
    _, begin, highest = text.rpartition(_BEGIN)
    body, end, _ = highest.partition(_END)
    if not end:
        raise SigningFailed(f"There are no certificates in “{file}”.", path=str(file))
    return f"{begin}{body}{end}\n"
