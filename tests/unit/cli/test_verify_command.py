"""`lipstage verify` as a person and as a program use it."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import c2pa
import pytest
from port_suites.job_records import job_record

from cli.main import app
from services.common.command_line import run_program
from services.common.messages import Provenance
from services.common.provenance.content_credentials import ACTIONS
from services.common.settings import Settings
from services.composite.credentials import signing
from services.composite.signing_identity import signer, signing_identity

Run = Callable[..., tuple[int, str, str]]
VOICE = Path(__file__).resolve().parents[3] / "samples" / "voice_b.m4a"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """This installation's, which the command takes from its environment."""
    monkeypatch.setenv("LIPSTAGE_SIGNING_DIR", str(tmp_path / "signing"))
    return Settings()


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command's exit status, output and errors."""
    monkeypatch.setenv("COLUMNS", "200")

    def verify(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lipstage", "verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run_program(app)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return verify


@pytest.fixture
def signed(settings: Settings, tmp_path: Path) -> Path:
    """Sound alone, in which nobody looks for a watermark."""
    file = Path(shutil.copy(VOICE, tmp_path / "voice.mp4"))
    provenance = Provenance(watermark=7, job_id="job-7", consent_id="consent-7")
    assert signing(settings)(file, VOICE, job_record("job").model_copy(update={"provenance": provenance}))
    return file


def test_a_person_reads_who_signed_and_what_was_done(run: Run, signed: Path) -> None:
    status, out, err = run(signed)

    assert (status, err) == (0, "")
    told = (
        "valid",
        "Signer, Lipstage (self-made) (trusted here)",
        "c2pa.edited",
        "a file without credentials",
        "job-7",
    )
    assert all(words in out for words in (*told, "consent-7", "watermark"))


def test_a_program_reads_the_same(run: Run, signed: Path) -> None:
    status, out, err = run(signed, "--json")

    told = json.loads(out)
    assert (status, err, told["watermark"]) == (0, "", None)
    assert (told["credentials"]["state"], told["credentials"]["trusted"]) == ("valid", True)
    assert (told["credentials"]["job_id"], told["credentials"]["consent_id"]) == ("job-7", "consent-7")


def test_somebody_elses_signature_is_not_known_here(
    run: Run, signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPSTAGE_SIGNING_DIR", str(tmp_path / "elsewhere"))

    status, out, _ = run(signed)

    assert (status, "valid" in out, "(not known here)" in out) == (0, True, True)


def test_a_changed_file_says_what_is_wrong_and_the_command_has_done_its_work(run: Run, signed: Path) -> None:
    content = bytearray(signed.read_bytes())
    content[content.rindex(b"mdat") + 1000] ^= 1
    signed.write_bytes(content)

    status, out, _ = run(signed)

    assert (status, "invalid [assertion.bmffHash.mismatch]" in out) == (0, True)


def test_a_plain_file_has_neither(run: Run) -> None:
    status, out, _ = run(VOICE)

    assert (status, out.count("none")) == (0, 2)


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "media_not_found"), (b"", "media_empty"), (b"no film" * 9, "media_unreadable")],
    ids=["missing", "empty", "no video"],
)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_cannot_be_read_has_its_code(
    content: bytes | None, code: str, options: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "file.mp4").write_bytes(content)

    status, out, err = run(tmp_path / "file.mp4", *options)

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error [{code}]: “file.mp4”")


def test_a_folder_is_no_file(run: Run, tmp_path: Path) -> None:
    status, _, err = run(tmp_path)

    assert (status, "[media_unreadable]" in err, "is not a file" in err) == (2, True, True)


def test_a_chain_that_is_named_but_missing_is_told(
    run: Run, signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPSTAGE_SIGNING_CHAIN", str(tmp_path / "none.pem"))

    status, _, err = run(signed)

    assert (status, "[signing_failed]" in err, "none.pem" in err) == (2, True, True)


def test_without_the_extra_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("verification", "manifest_reading"):
        monkeypatch.delitem(sys.modules, f"services.common.provenance.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "c2pa", None)

    status, _, err = run(VOICE)

    assert (status, "c2pa is not installed; pip install 'lipstage[provenance]'" in err) == (2, True)


def test_what_strangers_wrote_is_neither_markup_nor_a_command_to_the_terminal(
    run: Run, settings: Settings, tmp_path: Path
) -> None:
    created = {"action": "c2pa.created", "digitalSourceType": "http://c2pa.org/digitalsourcetype/empty"}
    strange = {"action": "org.stranger[/red]", "softwareAgent": {"name": "[bold]\x1b]0;owned\x07\x1b[31m"}}
    manifest = {"assertions": [{"label": ACTIONS, "data": {"actions": [created, strange]}}]}
    file = tmp_path / "strange.mp4"
    with signer(signing_identity(settings)) as signing_with, VOICE.open("rb") as source, file.open("w+b") as target:
        c2pa.Builder(json.dumps(manifest)).sign(signing_with, "video/mp4", source, target)

    status, out, _ = run(file)

    assert status == 0
    assert "org.stranger[/red]" in out
    assert "[bold]�]0;owned��[31m" in out
    assert "\x1b" not in out
