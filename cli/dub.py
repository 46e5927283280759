"""`lipstage dub`: one clip in, one dubbed clip out."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.console import say
from cli.embedded import run_job
from cli.job_summary import summary_of
from cli.options import asking, in_container
from cli.progress_bars import ProgressBars
from cli.remote import Via, remote_jobs
from cli.request import Audio, Video, check_inputs, check_output, deliver_job, succeeded
from cli.workplace import workplace
from services.common.captured_inputs import CapturingModels
from services.common.messages import DubParameters, JobRecord
from services.common.networks_used import cards_of
from services.common.new_job import content_of, new_record
from services.common.onnx_models import OnnxModels
from services.common.ports import Models
from services.common.settings import Settings
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.fetch import fetch


@asking
def dub(
    video: Video,
    audio: Audio,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the result goes; its suffix is the container.")],
    asked: DubParameters,
    via: Via = None,
    capture_inputs: Annotated[
        Path | None, typer.Option(help="Also save some of the networks' inputs here, to test TensorRT engines with.")
    ] = None,
) -> None:
    """Dubs VIDEO with AUDIO. If it is interrupted, the same command resumes from the finished chunks."""
    check_inputs(video, audio)
    check_output(output, video, audio)
    parameters = in_container(asked, output.suffix)
    if via:
        ended = remote_jobs(via).dub_via(via, video, audio, output, parameters)
    else:
        ended = summary_of(dub_file(video, audio, output, parameters, Settings(), capture_inputs))
    passed = sum(ended.outcomes.values()) - ended.outcomes["dubbed"]
    seconds = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in ended.timings_s.items())
    say(f"{output}: {ended.outcomes['dubbed']} frames dubbed, {passed} passed through ({seconds})")


def dub_file(
    video: Path,
    audio: Path,
    output: Path,
    parameters: DubParameters,
    settings: Settings,
    capture_inputs: Path | None = None,
) -> JobRecord:
    """Dubs into `output`, with the report beside it, and returns the job's final record. Raises LipstageError.

    That the inputs are files and the output can be written was checked.
    """
    models: Models = OnnxModels(settings.models_dir, settings.threads)
    cards = asyncio.run(cards_of(models, parameters))
    for note in sorted({card.note for card in cards if card.note}):
        say(note)
    record = new_record(content_of(video), content_of(audio), parameters, cards)
    fetch(settings.faces_dir, say)
    detector = MeshDetector(settings.faces_dir)

    if capture_inputs:
        models = capturing = CapturingModels(models)

    with workplace(settings.work_dir, record.id) as media:

        async def work() -> JobRecord:
            await media.put_file(record.video, video)
            await media.put_file(record.audio, audio)
            with ProgressBars() as bars:
                ended = succeeded(await run_job(record, media, models, detector, settings, bars.show))
            await deliver_job(record, media, output)
            if capture_inputs:
                capturing.save(capture_inputs)
            return ended

        return asyncio.run(work())
