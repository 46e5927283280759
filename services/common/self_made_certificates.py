"""A key that an authority of our own making certifies, for installations that were given none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SLOW_CLOCKS: Final = timedelta(days=1)
"""How far a reader's clock may be behind ours."""
_PEM: Final = serialization.Encoding.PEM


@dataclass(frozen=True)
class CertifiedKey:
    """PEM, all of it."""

    key: bytes
    certificate: bytes
    authority: bytes
    """The certificate of who issued it, signed by itself."""


def certified_key(
    subject: x509.Name,
    authority_name: x509.Name,
    purpose: x509.ObjectIdentifier,
    valid: timedelta,
    also_named: Sequence[x509.GeneralName] = (),
) -> CertifiedKey:
    """A new P-256 key. The authority's own is not kept: nothing else can be certified with it."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    until = datetime.now(UTC) + valid
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key(), until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    builder = (
        _builder(subject, authority_name, key.public_key(), until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if also_named:
        builder = builder.add_extension(x509.SubjectAlternativeName(also_named), critical=False)
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate = builder.sign(authority_key, hashes.SHA256())
    return CertifiedKey(private, certificate.public_bytes(_PEM), authority.public_bytes(_PEM))


def named(common_name: str, organization: str = "") -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts if value])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - _SLOW_CLOCKS)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
