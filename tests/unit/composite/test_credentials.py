"""Content credentials: written into a finished file, and read back."""

from pathlib import Path

import av
import numpy as np
import pytest
from port_suites.job_records import job_record

from services.common.errors import SigningFailed
from services.common.messages import DubParameters, JobRecord, Provenance
from services.common.provenance.content_credentials import DUBBED
from services.common.provenance.manifest_reading import Action, Credentials, Ingredient, read_credentials
from services.common.provenance.signing_files import own_root
from services.common.settings import Settings
from services.composite.credentials import sign, signing
from services.composite.signing_identity import SigningIdentity, signing_identity

SIGNER = "Signer, Lipstage (self-made)"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(signing_dir=tmp_path_factory.mktemp("signing"))


@pytest.fixture(scope="module")
def identity(settings: Settings) -> SigningIdentity:
    return signing_identity(settings)


@pytest.fixture
def record() -> JobRecord:
    provenance = Provenance(watermark=5, job_id="0193abcd", consent_id="consent-1")
    parameters = DubParameters(variant="16")
    return job_record("inside", video="media/aa11.mp4", audio="media/bb22.wav", parameters=parameters).model_copy(
        update={"provenance": provenance}
    )


def clip(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for seed in range(10):
            noise = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, "rgb24")))
        container.mux(stream.encode(None))
    return path


def flipped(path: Path, after: bytes) -> Path:
    """The file with one bit changed in the byte after the last place of `after`."""
    content = bytearray(path.read_bytes())
    content[content.rindex(after) + len(after)] ^= 1
    path.write_bytes(content)
    return path


def signed(path: Path, source: Path, record: JobRecord, identity: SigningIdentity) -> Path:
    assert sign(clip(path), source, record, identity)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_a_signed_file_says_what_was_done_to_it_and_by_whom(
    suffix: str, record: JobRecord, identity: SigningIdentity, settings: Settings, tmp_path: Path
) -> None:
    file = signed(tmp_path / f"out{suffix}", clip(tmp_path / "source.mp4"), record, identity)

    assert read_credentials(file, own_root(settings)) == Credentials(
        state="valid",
        trusted=True,
        signer=SIGNER,
        actions=(
            Action(action="c2pa.opened"),
            Action(action="c2pa.edited", software="LatentSync 1.6", source_type=DUBBED),
        ),
        ingredients=(Ingredient(relationship="parentOf"),),
        job_id="0193abcd",
        consent_id="consent-1",
    )


def test_frames_are_as_they_were(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    file = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity)

    with av.open(str(file)) as with_credentials, av.open(str(tmp_path / "source.mp4")) as without:
        packets = [[bytes(packet) for packet in opened.demux(video=0)] for opened in (with_credentials, without)]
    assert packets[0] == packets[1]


def test_media_are_named_by_their_hashes_alone(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    content = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity).read_bytes()

    assert all(told in content for told in (b"aa11", b"bb22", b"consent-1", b"0193abcd"))
    assert b"source.mp4" not in content
    assert b"inside" not in content


def test_to_strangers_it_is_valid_but_not_trusted(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    told = read_credentials(signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity))

    assert (told.state, told.trusted, told.failures) == ("valid", False, ())


@pytest.mark.parametrize(("after", "failure"), [(b"mdat", "assertion.bmffHash.mismatch"), (b"consent-", "assertion")])
def test_one_flipped_bit_shows(
    after: bytes, failure: str, record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    file = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity)

    told = read_credentials(flipped(file, after))

    assert told.state == "invalid"
    assert any(code.startswith(failure) for code in told.failures)


def test_the_sources_own_credentials_are_kept(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    source = signed(tmp_path / "source.mp4", clip(tmp_path / "first.mp4"), record, identity)

    told = read_credentials(signed(tmp_path / "out.mp4", source, record, identity))

    assert (told.state, told.ingredients) == ("valid", (Ingredient(relationship="parentOf", signer=SIGNER),))


def test_a_source_that_was_tampered_with_is_kept_as_such(
    record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    source = flipped(signed(tmp_path / "source.mp4", clip(tmp_path / "first.mp4"), record, identity), b"mdat")

    told = read_credentials(signed(tmp_path / "out.mp4", source, record, identity))

    assert told.state == "valid"
    assert told.ingredients[0].failures == ("assertion.bmffHash.mismatch",)


@pytest.mark.parametrize("made", ["source.mkv", "source.avi", "broken.mp4"])
def test_any_source_can_be_named(made: str, record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    source = clip(tmp_path / made)
    if made == "broken.mp4":
        source = flipped(signed(source, clip(tmp_path / "first.mp4"), record, identity), b"jum")

    told = read_credentials(signed(tmp_path / "out.mp4", source, record, identity))

    assert (told.state, told.ingredients) == ("valid", (Ingredient(relationship="parentOf"),))


def test_matroska_stays_as_it_is(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    file = clip(tmp_path / "out.mkv")
    before = file.read_bytes()

    assert not sign(file, file, record, identity)
    assert file.read_bytes() == before
    assert read_credentials(file) == Credentials(state="absent")


def test_a_file_without_credentials_has_none(tmp_path: Path) -> None:
    assert read_credentials(clip(tmp_path / "plain.mp4")) == Credentials(state="absent")


def test_what_cannot_be_read_is_invalid(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    file = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity)

    assert read_credentials(flipped(file, b"jum")).failures == ("claim.unreadable",)


def test_what_cannot_be_signed_says_so_and_is_left_alone(
    record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    file = tmp_path / "out.mp4"
    file.write_bytes(b"this is no film")

    with pytest.raises(SigningFailed, match="cannot be signed"):
        sign(file, clip(tmp_path / "source.mp4"), record, identity)
    assert [path.name for path in tmp_path.iterdir() if path.name != "source.mp4"] == ["out.mp4"]
    assert file.read_bytes() == b"this is no film"


def test_a_wrong_key_stops_the_start_and_a_missing_one_does_not(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SigningFailed):
        signing(Settings(signing_key=tmp_path / "none.pem"))
    untouched = tmp_path / "later"
    assert signing(Settings(signing_dir=untouched))
    assert not untouched.exists()
