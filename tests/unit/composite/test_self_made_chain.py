"""Who signs: a chain of our own making, or the operator's."""

import os
import resource
import shutil
import signal
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.common.errors import SigningFailed
from services.common.provenance.signing_files import own_root, self_made_dir
from services.common.settings import Settings
from services.composite.self_made_chain import make_chain
from services.composite.signing_identity import signing_identity


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(signing_dir=tmp_path / "signing")


def test_only_its_owner_can_read_what_is_made(settings: Settings) -> None:
    signing_identity(settings)

    folder = self_made_dir(settings)
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "key.pem": 0o600,
        "chain.pem": 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(settings: Settings) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(SigningFailed):
            signing_identity(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(settings.signing_dir.iterdir()) == []
    assert signing_identity(settings)


def test_what_was_made_stays(settings: Settings) -> None:
    assert signing_identity(settings) == signing_identity(settings)


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    makers = [threading.Thread(target=make_chain, args=(tmp_path / "made",)) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()

    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert signing_identity(Settings(signing_key=tmp_path / "made/key.pem", signing_chain=tmp_path / "made/chain.pem"))


def test_the_certificate_outlives_many_years_and_hangs_from_the_root(settings: Settings) -> None:
    leaf, root = x509.load_pem_x509_certificates(signing_identity(settings).chain_pem)

    leaf.verify_directly_issued_by(root)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days > 365 * 15
    assert (own_root(settings) or "").encode() == root.public_bytes(serialization.Encoding.PEM)


def test_there_is_no_root_before_anything_was_signed(settings: Settings) -> None:
    assert own_root(settings) is None


def test_the_operators_key_is_taken_in_any_form(settings: Settings, tmp_path: Path) -> None:
    signing_identity(settings)
    theirs = tmp_path / "theirs.pem"
    key = serialization.load_pem_private_key((self_made_dir(settings) / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    theirs.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )

    given = Settings(signing_key=theirs, signing_chain=self_made_dir(settings) / "chain.pem")

    assert signing_identity(given).key_pem == signing_identity(settings).key_pem


@pytest.mark.parametrize(
    ("key", "chain", "sentence"),
    [
        ("key.pem", None, "only one of them is set"),
        ("key.pem", "missing.pem", "missing.pem: No such file or directory"),
        ("chain.pem", "chain.pem", "not PEM, or with a password"),
        ("other.pem", "chain.pem", "not that of the signing key"),
        ("large.pem", "chain.pem", "not one of the elliptic curve P-256"),
        ("rsa.pem", "chain.pem", "not one of the elliptic curve P-256"),
        ("locked.pem", "chain.pem", "not PEM, or with a password"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(
    key: str, chain: str | None, sentence: str, settings: Settings, tmp_path: Path
) -> None:
    signing_identity(settings)
    folder = self_made_dir(settings)
    make_chain(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "key.pem", folder / "other.pem")
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(b"password")
    large, small = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "large.pem").write_bytes(large.private_bytes(pem, pkcs8, plain))
    (folder / "rsa.pem").write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(pem, pkcs8, plain))
    (folder / "locked.pem").write_bytes(small.private_bytes(pem, pkcs8, locked))

    with pytest.raises(SigningFailed, match=sentence):
        signing_identity(Settings(signing_key=folder / key, signing_chain=folder / chain if chain else None))


def test_the_key_is_in_no_text_about_it(settings: Settings) -> None:
    assert "PRIVATE" not in f"{signing_identity(settings)!r}"


def test_an_empty_mounted_folder_is_used(settings: Settings) -> None:
    os.makedirs(settings.signing_dir)

    assert signing_identity(settings).chain_pem
