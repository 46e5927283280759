"""`lipstage evaluate`: how good a dubbed video is."""

import json
import math
import tempfile
from pathlib import Path
from typing import Annotated

import cv2
import typer
from pydantic import BaseModel, ValidationError
from rich.progress import track
from rich.table import Table

from bench.quality.evaluation import Evaluation, Question
from bench.quality.report import MouthQuality, NotMeasured, PictureQuality, QualityReport, SyncQuality
from bench.quality.sheet import quality_sheet
from bench.quality.sync_networks import SyncNetwork, find_towers, open_sync_network
from cli.console import console, errors, say
from cli.output_file import check_writable, deliver
from services.common.messages import Mode
from services.common.settings import Settings
from services.common.speakers import parse_speaker
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.fetch import fetch


def evaluate(
    video: Annotated[Path, typer.Argument(help="The dubbed video.")],
    audio: Annotated[Path, typer.Argument(help="The voice that it should speak.")],
    against: Annotated[Path | None, typer.Option(help="The video it was dubbed from.", metavar="ORIGINAL")] = None,
    syncnet: Annotated[
        Path | None,
        typer.Option(help="Folder of a lip-sync network in ONNX.", metavar="DIR", show_default="the model repository"),
    ] = None,
    speaker: Annotated[str, typer.Option(help="Whose mouth, as for `dub`.")] = "largest",
) -> None:
    """Measures how well the mouth in VIDEO follows AUDIO and, with --against, what dubbing did to the picture.

    The figures go into the dub's report beside VIDEO, or into VIDEO.quality.json; the curves into VIDEO.quality.png.
    """
    settings = Settings()
    who = parse_speaker(speaker)
    dub_report = video.with_suffix(".report.json")
    figures = dub_report if dub_report.is_file() else video.with_suffix(".quality.json")
    sheet = video.with_suffix(".quality.png")
    network = _sync_network(syncnet, settings)
    question = Question(video, audio, against, _mode(dub_report), settings.max_audio_s)
    fetch(settings.faces_dir, say)
    evaluation = Evaluation(question, MeshDetector(settings.faces_dir), who, network)
    for path in (figures, sheet):
        check_writable(path)
    for _ in track(evaluation.steps(), "measuring", evaluation.frame_count, console=errors):
        pass
    report = evaluation.report()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "sheet.png"
        cv2.imwrite(str(made), quality_sheet(report, evaluation.evidence))
        deliver(made, sheet)
        made = Path(folder) / "report.json"
        made.write_text(json.dumps({**_read(figures), "quality": report.to_json()}, indent=2))
        deliver(made, figures)
    console.print(_table(report))
    say(f"Figures: {figures}")
    say(f"Curves: {sheet}")


def _sync_network(directory: Path | None, settings: Settings) -> SyncNetwork | NotMeasured:
    if directory is None and find_towers(settings.models_dir) is None:
        return NotMeasured("no lip-sync network is installed; name one with --syncnet")
    return open_sync_network(directory or settings.models_dir)


class _DubParameters(BaseModel):
    mode: Mode = "studio"


class _DubReport(BaseModel):
    parameters: _DubParameters = _DubParameters()


def _mode(dub_report: Path) -> Mode:
    """The mode a video was dubbed in; studio if that is not known."""
    try:
        return _DubReport.model_validate(_read(dub_report)).parameters.mode
    except ValidationError:
        return "studio"


def _read(report: Path) -> dict[str, object]:
    """What an earlier report holds; nothing if there is none or it is damaged."""
    try:
        content = json.loads(report.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _table(report: QualityReport) -> Table:
    table = Table("what", "figure", "good is")
    _add_mouth(table, report.mouth)
    table.add_section()
    match report.sync:
        case SyncQuality(offset_frames=offset, confidence=confidence, min_distance=distance):
            table.add_row("network: late by", f"{40 * offset:+d} ms", "-40 to 40")
            table.add_row("… confidence, distance", f"{confidence:.2f}, {distance:.2f}", "as real speech")
        case NotMeasured(reason):
            table.add_row("lip-sync network", f"not measured: {reason}", "")
    table.add_section()
    match report.picture:
        case PictureQuality():
            _add_picture(table, report.picture)
        case NotMeasured(reason):
            table.add_row("picture", f"not measured: {reason}", "")
    return table


def _add_mouth(table: Table, mouth: MouthQuality) -> None:
    best = f"{_number(mouth.best_lag_ms, '+.0f')} ms ({_number(mouth.best_correlation, '+.2f')})"
    table.add_row("frames with the face", f"{mouth.frames_with_face} of {mouth.frames}", "all")
    table.add_row("mouth/sound correlation", _number(mouth.correlation, "+.2f"), "")
    table.add_row("… best if late by", best, "-100 to 40, over 0.3")
    table.add_row("opening: median, range", f"{mouth.median:.3f}, {mouth.range:.3f}", "")
    if math.isfinite(mouth.range_vs_original):
        table.add_row("… range / original's", _number(mouth.range_vs_original, ".2f"), "0.7 to 1.3")
        table.add_row("… likeness to original's", _number(mouth.correlation_with_original, "+.2f"), "near 0")


def _add_picture(table: Table, picture: PictureQuality) -> None:
    outside = f"{_number(picture.psnr_outside_db, '.1f')} dB, {_number(picture.ssim_outside, '.4f')}"
    mouth = f"{_number(picture.psnr_mouth_db, '.1f')} dB, {_number(picture.ssim_mouth, '.4f')}"
    table.add_row("outside: PSNR, SSIM", outside, "over 40 dB, 0.98")
    table.add_row("mouth: PSNR, SSIM", mouth, "(should differ)")
    table.add_row("flicker / original's", _number(picture.flicker_vs_original, ".2f"), "up to 1.3")
    table.add_row("seam / original's", _number(picture.seam_vs_original, ".2f"), "0.8 to 1.2")


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if math.isfinite(value) else "unknown"
