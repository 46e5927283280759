"""Content credentials: written into a finished file, and read back."""

import resource
import shutil
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from port_suites.job_records import job_record

from services.common.errors import DiskFull, SigningFailed
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


def box_in(content: bytes | bytearray, name: bytes) -> tuple[int, int]:
    """Where the content of one of the file's outermost boxes begins, and its length."""
    begin = 0
    while (found := bytes(content[begin + 4 : begin + 8])) != name:
        assert found
        begin += int.from_bytes(content[begin : begin + 4])
    return begin + 8, int.from_bytes(content[begin : begin + 4]) - 8


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


@pytest.mark.parametrize("box", [b"mdat", b"moov"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_one_flipped_bit_anywhere_in_a_box_shows(
    box: bytes, share: float, record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    file = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity)
    content = bytearray(file.read_bytes())
    begin, size = box_in(content, box)
    content[begin + round(share * (size - 1))] ^= 0x80
    file.write_bytes(content)

    told = read_credentials(file)

    assert (told.state, told.failures != ()) == ("invalid", True)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short_does_not_pass(
    share: float, record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    file = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])

    assert read_credentials(file).state == "invalid"


def test_the_name_of_a_file_does_not_matter(record: JobRecord, identity: SigningIdentity, tmp_path: Path) -> None:
    file = signed(tmp_path / "out.mp4", clip(tmp_path / "source.mp4"), record, identity)

    for name in ("out", "out.mkv", "out.jpg"):
        file = file.rename(tmp_path / name)
        assert read_credentials(file).state == "valid"


def test_what_cannot_carry_credentials_has_none(tmp_path: Path) -> None:
    (tmp_path / "letter.mp4").write_bytes(b"this is no film")

    assert read_credentials(tmp_path / "letter.mp4") == Credentials(state="absent")


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


def test_a_disk_that_fills_up_while_signing_is_told_as_such(
    record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    file, source = clip(tmp_path / "out.mp4"), clip(tmp_path / "source.mp4")
    with file.open("ab") as content:  # a box of nothing, to make it larger than what the library keeps in memory
        content.write((2 << 20).to_bytes(4) + b"free" + bytes((2 << 20) - 8))
    before = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(DiskFull, match="no space left to sign"):
            sign(file, source, record, identity)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "source.mp4"]


def test_nothing_is_begun_without_room_for_the_librarys_own_copies(
    record: JobRecord, identity: SigningIdentity, tmp_path: Path
) -> None:
    file = clip(tmp_path / "out.mp4")
    with file.open("ab") as content:
        content.truncate(shutil.disk_usage(tmp_path).free // 3)  # takes no room itself

    with pytest.raises(DiskFull):
        sign(file, tmp_path / "not looked at.mp4", record, identity)


def test_a_key_that_cannot_be_made_says_where(tmp_path: Path) -> None:
    (tmp_path / "signing").write_bytes(b"a file where a folder is needed")

    with pytest.raises(SigningFailed, match=r"signing.*(exists|directory)"):
        signing_identity(Settings(signing_dir=tmp_path / "signing"))


def test_a_wrong_key_stops_the_start_and_a_missing_one_does_not(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SigningFailed):
        signing(Settings(signing_key=tmp_path / "none.pem"))
    untouched = tmp_path / "later"
    assert signing(Settings(signing_dir=untouched))
    assert not untouched.exists()
