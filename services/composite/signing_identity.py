"""Who signs the outputs: the operator's key and certificates, or self-made ones."""

from dataclasses import dataclass, field

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.common.errors import SigningFailed
from services.common.provenance.signing_files import self_made_dir, signing_chain_file, signing_key_file
from services.common.settings import Settings
from services.composite.self_made_chain import make_chain


@dataclass(frozen=True)
class SigningIdentity:
    key_pem: bytes = field(repr=False)
    """PKCS #8, for ES256."""
    chain_pem: bytes
    tsa_url: str | None = None


def signing_identity(settings: Settings) -> SigningIdentity:
    """The key and chain that the settings name; without any, those in `settings.signing_dir`, made if there are none.

    Raises SigningFailed if only one of them is named, or if they cannot be read or do not belong together.
    """
    if (settings.signing_key is None) != (settings.signing_chain is None):
        raise SigningFailed("LIPSTAGE_SIGNING_KEY and LIPSTAGE_SIGNING_CHAIN belong together; only one of them is set.")
    try:
        if settings.signing_key is None:
            make_chain(self_made_dir(settings))
        key = serialization.load_pem_private_key(signing_key_file(settings).read_bytes(), password=None)
        chain_pem = signing_chain_file(settings).read_bytes()
        leaf = x509.load_pem_x509_certificates(chain_pem)[0]
    except (OSError, ValueError, TypeError) as error:
        raise SigningFailed(f"The signing key or its certificates cannot be used: {_reason(error)}.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SigningFailed("The signing key is not one of the elliptic curve P-256.")
    if leaf.public_key() != key.public_key():
        raise SigningFailed("The first of the signing certificates is not that of the signing key.")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningIdentity(private, chain_pem, settings.signing_tsa_url)


def signer(identity: SigningIdentity) -> c2pa.Signer:
    """What the library signs with; to be closed. Raises C2paError."""
    tsa_url = identity.tsa_url and identity.tsa_url.encode()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, identity.chain_pem, identity.key_pem, tsa_url)
    return c2pa.Signer.from_info(info)


def _reason(error: Exception) -> str:
    """What the system says about a file; of a file's content nothing is repeated, for it is secret."""
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else "not PEM, or with a password"
