"""`lipstage dub`: one clip in, one dubbed clip out."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from cli.console import say
from cli.embedded import run_job
from cli.output_file import check_writable, deliver
from cli.progress_bars import ProgressBars
from cli.variants import variant_number
from cli.workplace import workplace
from services.common import object_names
from services.common.captured_inputs import CapturingModels
from services.common.errors import InvalidParameter, LipstageError, OutputUnwritable, error_from
from services.common.folder_media_store import FolderMediaStore
from services.common.media.join import check_container
from services.common.media.opening import check_is_file
from services.common.messages import (
    Codec,
    DubParameters,
    JobRecord,
    LengthPolicy,
    Mode,
    OutputParameters,
    Preset,
    SchedulerName,
    Span,
)
from services.common.networks_used import cards_of
from services.common.new_job import new_record
from services.common.onnx_models import OnnxModels
from services.common.ports import Models
from services.common.settings import Settings
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.fetch import fetch
from services.preprocess.faces.speaker import parse_speaker

Option = typer.Option


def dub(
    video: Annotated[Path, typer.Argument(help="Video with the face.")],
    audio: Annotated[Path, typer.Argument(help="New voice: a sound file, or a video whose sound is taken.")],
    output: Annotated[Path, Option("--output", "-o", help="Where the result goes; its suffix is the container.")],
    variant: Annotated[str, Option(help="demo, 1.5 or 1.6; `lipstage doctor` recommends one.")] = "demo",
    mode: Annotated[Mode, Option(help="studio: at its best; reference: as LatentSync itself does.")] = "studio",
    steps: Annotated[int, Option(help="Denoising steps.")] = 20,
    guidance: Annotated[float, Option(help="Guidance scale; up to 1 means none, at half the cost.")] = 1.5,
    guidance_interval: Annotated[str, Option(help="The part of the steps that is guided.")] = "0,1",
    scheduler: Annotated[SchedulerName, Option(help="Sampler.")] = "ddim",
    deepcache: Annotated[int, Option(help="Evaluate the whole UNet only every N steps; the reference uses 3.")] = 1,
    seed: Annotated[int, Option(help="Same seed, same bytes.")] = 1247,
    length: Annotated[LengthPolicy, Option(help="What to do where video and voice differ in length.")] = "bounce",
    segment: Annotated[list[str] | None, Option(help="Dub only this span, such as 1.5-4 (s); repeatable.")] = None,
    speaker: Annotated[str, Option(help="largest, point:X,Y, box:X0,Y0,X1,Y1 (0 to 1) or track:N.")] = "largest",
    codec: Annotated[Codec, Option(help="auto: H.264, HEVC for more than 8 bits, AV1 in .webm.")] = "auto",
    crf: Annotated[int, Option(help="Encoder quality; lower is better.")] = 18,
    preset: Annotated[Preset, Option(help="Encoder effort.")] = "medium",
    capture_inputs: Annotated[
        Path | None, Option(help="Also save some of the networks' inputs here, to test TensorRT engines with.")
    ] = None,
) -> None:
    """Dubs VIDEO with AUDIO. If it is interrupted, the same command resumes from the finished chunks."""
    encode = _checked(OutputParameters, suffix=output.suffix.lower(), codec=codec, crf=crf, preset=preset)
    parameters = _checked(
        DubParameters,
        variant=variant_number(variant),
        mode=mode,
        seed=seed,
        steps=steps,
        scheduler=scheduler,
        guidance_scale=guidance,
        guidance_interval=_pair(guidance_interval, ",", "--guidance-interval"),
        deepcache_interval=deepcache,
        length=length,
        segments=tuple(_span(text) for text in segment or ()),
        speaker=speaker,
        output=encode,
    )
    record = dub_file(video, audio, output, parameters, Settings(), capture_inputs)
    passed = sum(record.outcomes.values()) - record.outcomes["dubbed"]
    seconds = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in record.timings_s.items())
    say(f"{output}: {record.outcomes['dubbed']} frames dubbed, {passed} passed through ({seconds})")


def dub_file(
    video: Path,
    audio: Path,
    output: Path,
    parameters: DubParameters,
    settings: Settings,
    capture_inputs: Path | None = None,
) -> JobRecord:
    """Dubs into `output`, with the report beside it, and returns the job's final record. Raises LipstageError."""
    parse_speaker(parameters.speaker)
    check_writable(output)
    check_container(output)
    for source in (video, audio):
        check_is_file(source)
        if output.exists() and output.samefile(source):
            raise OutputUnwritable(f"“{output}” is one of the inputs; give the result another name.", path=str(output))
    models: Models = OnnxModels(settings.models_dir, settings.threads)
    cards = asyncio.run(cards_of(models, parameters))
    for note in sorted({card.note for card in cards if card.note}):
        say(note)
    record = new_record(video, audio, parameters, cards)
    fetch(settings.faces_dir, say)
    detector = MeshDetector(settings.faces_dir)

    if capture_inputs:
        models = capturing = CapturingModels(models)

    with workplace(settings.work_dir, record.id) as media:

        async def work() -> JobRecord:
            await media.put_file(record.video, video)
            await media.put_file(record.audio, audio)
            with ProgressBars() as bars:
                ended = await run_job(record, media, models, detector, settings, bars.show)
            if ended.error:
                raise error_from(ended.error.code, ended.error.message)
            await _deliver(record, media, output)
            if capture_inputs:
                capturing.save(capture_inputs)
            return ended

        return asyncio.run(work())


async def _deliver(record: JobRecord, media: FolderMediaStore, output: Path) -> None:
    """Both files or none."""
    report = output.with_suffix(".report.json")
    async with (
        media.local(object_names.report(record)) as finished_report,
        media.local(object_names.output(record)) as finished_output,
    ):
        deliver(finished_report, report)
        try:
            deliver(finished_output, output)
        except LipstageError:
            report.unlink(missing_ok=True)
            raise


M = TypeVar("M", bound=BaseModel)


def _checked(model: type[M], **values: object) -> M:
    """Raises InvalidParameter with the first thing that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"]) or "parameters"
        raise InvalidParameter(f"{name}: {wrong['msg']}.", parameter=name) from error


def _span(text: str) -> Span:
    start_s, end_s = _pair(text, "-", "--segment")
    return _checked(Span, start_s=start_s, end_s=end_s)


def _pair(text: str, separator: str, option: str) -> tuple[float, float]:
    number = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
    match = re.fullmatch(f"{number}{re.escape(separator)}{number}", text)
    if not match:
        raise InvalidParameter(f"{option} takes two numbers such as 0.5{separator}2, not “{text}”.", option=option)
    return float(match[1]), float(match[2])
