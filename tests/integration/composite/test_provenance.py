"""The real compositing stage over a folder: what a job that asks for provenance leaves in its output."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from port_suites.job_records import job_record
from typer.testing import CliRunner

from cli.main import app
from services.common import object_names
from services.common.chunk_files import PASSED_THROUGH, Manifest, Outcome, dump_faces, dump_manifest
from services.common.errors import SigningFailed
from services.common.face_geometry import crop_size_wh
from services.common.folder_media_store import FolderMediaStore
from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video
from services.common.messages import DubParameters, JobRecord, Mode, OutputParameters, Provenance, SegmentState
from services.common.ports import Arrays, ModelCard, ModelName
from services.common.provenance.manifest_reading import read_credentials
from services.common.provenance.signing_files import own_root
from services.common.provenance.verification import verify_file
from services.common.settings import Settings
from services.composite.credentials import signing
from services.composite.stored_steps import Sign, stored_steps

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
SAMPLE = SAMPLES / "talking_head.mp4"
JOB = "01935c8e27b17f4dbd5a0c1e2f3a4b5c"
PROVENANCE = Provenance(watermark=int(JOB[:16], 16), job_id=JOB, consent_id="consent-7")
FRAMES, DUBBED, RESOLUTION = 24, 16, 128


class Cards:
    """Models that can only say what they are: nothing is inferred here."""

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        raise NotImplementedError

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        return ModelCard(model, variant, RESOLUTION, "ab" * 32, "1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(signing_dir=tmp_path / "signing")


def asked(provenance: Provenance | None, suffix: str = ".mp4", mode: Mode = "studio", crf: int = 18) -> JobRecord:
    parameters = DubParameters(mode=mode, output=OutputParameters(suffix=suffix, preset="veryfast", crf=crf))
    segments = {0: SegmentState(chunks=(0,), status="ready")}
    record = job_record(JOB, video="media/v.mp4", audio="media/a.m4a", parameters=parameters, segments=segments)
    return record.model_copy(update={"provenance": provenance})


async def output_of(record: JobRecord, folder: Path, sign: Sign | None, source: Path = SAMPLE) -> Path:
    """The output of a segment of which the last frames pass through."""
    media = FolderMediaStore(folder)
    await media.put_file(record.video, source)
    await media.put_file(record.audio, SAMPLES / "voice_b.m4a")
    await media.put(object_names.manifest(record, 0), dump_manifest(manifest()))
    grey = np.full((DUBBED, 3, RESOLUTION, RESOLUTION), 127, np.uint8)
    faces = grey if record.parameters.mode == "studio" else np.zeros(grey.shape, np.float32)
    await media.put(object_names.faces(record, 0), dump_faces(faces))
    steps = stored_steps(media, Cards(), 1, sign)

    async def unheard(share: float) -> None:
        return

    await steps.encode(record, 0, unheard)
    await steps.finish(record)
    return folder / object_names.output(record)


def manifest() -> Manifest:
    dubbed = np.arange(FRAMES) < DUBBED
    width, height = crop_size_wh(RESOLUTION)
    onto_crop = np.array([[0.5, 0, width / 2 - 128], [0, 0.5, height / 2 - 128]])
    return Manifest(
        first_frame=0,
        time_base=Fraction(1, 25),
        source=np.arange(FRAMES),
        pts=np.arange(FRAMES),
        next_pts=FRAMES,
        chunk=np.where(dubbed, 0, PASSED_THROUGH),
        row=np.where(dubbed, np.arange(FRAMES), 0),
        matrices=np.where(dubbed[:, None, None], onto_crop, np.nan),
        outcome=np.where(dubbed, Outcome.DUBBED, Outcome.NO_FACE).astype(np.int64),
        track=np.where(dubbed, 0, -1),
    )


def packets(file: Path) -> list[bytes]:
    """Of picture and sound."""
    with av.open(str(file)) as container:
        return [bytes(packet) for packet in container.demux()]


def lumas(file: Path) -> NDArray[np.float64]:
    return np.stack([picture.planes[0].astype(np.float64) for picture in read_pictures(file, probe_video(file))])


async def test_the_output_is_marked_and_signed(settings: Settings, tmp_path: Path) -> None:
    output = await output_of(asked(PROVENANCE), tmp_path / "store", signing(settings))

    found = verify_file(output, own_root(settings))

    assert found.watermark is not None
    assert (found.watermark.payload, found.watermark.confidence > 0.9) == (JOB[:16], True)
    assert (found.credentials.state, found.credentials.trusted) == ("valid", True)
    assert (found.credentials.job_id, found.credentials.consent_id) == (JOB, "consent-7")
    report = json.loads(next(output.parent.glob("*.json")).read_text())
    assert report["provenance"] == {"watermark": JOB[:16], "content_credentials": True, "label": False}


@pytest.mark.parametrize("label", [False, True])
async def test_only_dubbed_frames_are_marked_and_only_they_are_labelled(
    label: bool, settings: Settings, tmp_path: Path
) -> None:
    plain = lumas(await output_of(asked(None, crf=0), tmp_path / "plain", None))
    provenance = PROVENANCE.model_copy(update={"label": label})
    marked = lumas(await output_of(asked(provenance, crf=0), tmp_path / "marked", signing(settings)))

    changed = np.abs(marked - plain)
    corner = changed[:, -48:, -60:].mean(axis=(1, 2))

    assert changed[:DUBBED].mean(axis=(1, 2)).min() > 0.3
    assert np.array_equal(marked[DUBBED:], lumas(SAMPLE)[DUBBED:FRAMES])  # at crf 0 the encoder loses nothing
    assert (corner[:DUBBED].min() > 15, corner[:DUBBED].max() < 3) == (label, not label)


async def test_made_again_the_segment_is_the_same_to_the_byte_and_the_output_to_the_packet(
    settings: Settings, tmp_path: Path
) -> None:
    record = asked(PROVENANCE)

    first, again = [await output_of(record, tmp_path / name, signing(settings)) for name in ("first", "again")]

    segments = [tmp_path / name / object_names.segment(record, 0) for name in ("first", "again")]
    assert segments[0].read_bytes() == segments[1].read_bytes()
    assert packets(first) == packets(again)


async def test_a_sources_own_credentials_are_kept(settings: Settings, tmp_path: Path) -> None:
    source = await output_of(asked(PROVENANCE), tmp_path / "first", signing(settings))

    output = await output_of(asked(PROVENANCE), tmp_path / "second", signing(settings), source)

    told = read_credentials(output, own_root(settings))
    assert (told.state, told.trusted) == ("valid", True)
    assert [(kept.relationship, kept.signer) for kept in told.ingredients] == [("parentOf", told.signer)]


async def test_a_job_that_asks_for_nothing_gets_the_same_bytes_and_report_with_or_without_a_key(
    settings: Settings, tmp_path: Path
) -> None:
    with_key = await output_of(asked(None), tmp_path / "with", signing(settings))
    without = await output_of(asked(None), tmp_path / "without", None)

    assert with_key.read_bytes() == without.read_bytes()
    assert "provenance" not in json.loads(next(without.parent.glob("*.json")).read_text())
    assert not settings.signing_dir.exists()


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
async def test_matroska_has_the_watermark_alone(suffix: str, settings: Settings, tmp_path: Path) -> None:
    output = await output_of(asked(PROVENANCE, suffix), tmp_path / "store", signing(settings))

    found = verify_file(output)

    assert (found.credentials.state, found.watermark is not None) == ("absent", True)
    assert not json.loads(next(output.parent.glob("*.json")).read_text())["provenance"]["content_credentials"]


async def test_reference_mode_is_signed_but_keeps_its_samples(settings: Settings, tmp_path: Path) -> None:
    plain = await output_of(asked(None, mode="reference"), tmp_path / "plain", None)
    signed = await output_of(asked(PROVENANCE, mode="reference"), tmp_path / "signed", signing(settings))

    assert np.array_equal(lumas(plain), lumas(signed))
    assert verify_file(signed).credentials.state == "valid"


async def test_nothing_is_delivered_unsigned_by_a_process_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match="not given the means"):
        await output_of(asked(PROVENANCE), tmp_path / "store", None)
    assert not (tmp_path / "store" / "out").exists()


async def test_the_command_tells_both(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = await output_of(asked(PROVENANCE), tmp_path / "store", signing(settings))
    monkeypatch.setenv("LIPSTAGE_SIGNING_DIR", str(settings.signing_dir))

    as_text = CliRunner().invoke(app, ["verify", str(output)], env={"COLUMNS": "200"})
    as_json = CliRunner().invoke(app, ["verify", str(output), "--json"])

    assert (as_text.exit_code, as_json.exit_code) == (0, 0)
    assert all(told in as_text.stdout for told in (JOB, f"job {JOB[:16]}", "valid", "trusted here", "consent-7"))
    assert json.loads(as_json.stdout)["watermark"]["payload"] == JOB[:16]
