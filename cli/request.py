"""What every dub begins and ends with: a request that can be met, and a result delivered whole."""

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.job_summary import JobSummary
from cli.output_file import check_writable, deliver
from services.common import object_names
from services.common.errors import LipstageError, OutputUnwritable, error_from
from services.common.media.join import check_container
from services.common.media.opening import check_is_file
from services.common.messages import JobRecord
from services.common.ports import MediaStore

J = TypeVar("J", JobRecord, JobSummary)

Video = Annotated[Path, typer.Argument(help="Video with the face.")]
Audio = Annotated[Path, typer.Argument(help="New voice: a sound file, or a video whose sound is taken.")]


def check_inputs(video: Path, audio: Path) -> None:
    """Raises the InputError that says why this cannot be done, before any work."""
    for source in (video, audio):
        check_is_file(source)


def check_output(output: Path, video: Path, audio: Path) -> None:
    """Raises OutputUnwritable or InvalidParameter, before any work."""
    check_writable(output)
    check_container(output)
    for source in (video, audio):
        if output.exists() and output.samefile(source):
            raise OutputUnwritable(f"“{output}” is one of the inputs; give the result another name.", path=str(output))


def succeeded(ended: J) -> J:
    """A job that has ended. Raises the error that it ended with, if any."""
    if ended.error:
        raise error_from(ended.error.code, ended.error.message)
    return ended


async def deliver_job(record: JobRecord, media: MediaStore, output: Path) -> None:
    """Puts output and report, `output` with the suffix .report.json, where they were asked for: both or none."""
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
