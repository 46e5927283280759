"""The operator's own key and certificates: tried before any job depends on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.common.errors import SigningFailed
from services.common.provenance.signing_files import own_root
from services.common.settings import Settings
from services.composite.credentials import signing

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Holder:
    name: str
    key: ec.EllipticCurvePrivateKey


NAMES = ("root", "between", "signer")
ROOT, BETWEEN, SIGNER = (Holder(name, ec.generate_private_key(ec.SECP256R1())) for name in NAMES)


def certificate(
    of: Holder, by: Holder, authority: bool, from_day: int = -1, to_day: int = 100, purpose: bool = True
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(of))
        .issuer_name(named(by))
        .public_key(of.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + from_day * DAY)
        .not_valid_after(NOW + to_day * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False)
    )
    if purpose and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(by.key, hashes.SHA256())


def named(holder: Holder) -> x509.Name:
    attributes = (NameOID.ORGANIZATION_NAME, "Acme"), (NameOID.COMMON_NAME, holder.name)
    return x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])


def usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


root = certificate(ROOT, ROOT, authority=True)
between = certificate(BETWEEN, ROOT, authority=True)
leaf = certificate(SIGNER, BETWEEN, authority=False)


def given(folder: Path, chain: Sequence[x509.Certificate], before: bytes = b"") -> Settings:
    """The settings of an operator with this chain; `before` stands before each certificate."""
    key = SIGNER.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key)
    (folder / "chain.pem").write_bytes(b"".join(before + certificate.public_bytes(PEM) for certificate in chain))
    return Settings(signing_key=folder / "key.pem", signing_chain=folder / "chain.pem")


@pytest.mark.parametrize("chain", [[leaf, between, root], [leaf, between]], ids=["to the root", "to the one below it"])
def test_a_chain_in_order_is_taken(chain: list[x509.Certificate], tmp_path: Path) -> None:
    assert signing(given(tmp_path, chain))


@pytest.mark.parametrize(
    ("chain", "sentence"),
    [
        ([root, between, leaf], "first of the signing certificates is not that of the signing key"),
        ([leaf, root, between], "do not lead up to the last of them"),
        ([leaf, root], "do not lead up to the last of them"),
        ([leaf], "do not lead up to the last of them"),
        ([certificate(SIGNER, BETWEEN, False, from_day=-9, to_day=-1), between, root], "not valid at time of signing"),
        ([certificate(SIGNER, BETWEEN, False, from_day=1), between, root], "not valid at time of signing"),
        ([certificate(SIGNER, BETWEEN, False, purpose=False), between, root], "the certificate is invalid"),
        ([certificate(SIGNER, BETWEEN, True), between, root], "the certificate is invalid"),
        ([leaf, between, certificate(ROOT, ROOT, True, from_day=-9, to_day=-1)], "do not lead up to the last of them"),
        ([], "not PEM"),
    ],
    ids=[
        "root first", "wrong order above", "one is missing", "alone", "expired", "not valid yet", "for no purpose",
        "an authority's", "root expired", "none",
    ],
)  # fmt: skip
def test_a_chain_that_readers_would_not_believe_stops_the_start(
    chain: list[x509.Certificate], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(SigningFailed, match=sentence):
        signing(given(tmp_path, chain))


def test_names_before_the_certificates_do_no_harm(tmp_path: Path) -> None:
    settings = given(tmp_path, [leaf, between, root], before="subject=O = Müller\n".encode("latin-1"))

    assert signing(settings)
    assert (own_root(settings) or "").encode() == root.public_bytes(PEM)


def test_a_chain_that_is_named_but_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match="No such file or directory"):
        own_root(Settings(signing_chain=tmp_path / "none.pem"))

    (tmp_path / "key.pem").write_bytes(b"no certificate")
    with pytest.raises(SigningFailed, match="There are no certificates"):
        own_root(Settings(signing_chain=tmp_path / "key.pem"))
