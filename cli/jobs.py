"""`lipstage submit`, `status`, `watch` and `cancel`: jobs of a running stack.

Where the stack is, and the keys to it, say the LIPSTAGE_ variables of its services, or what `make up` wrote down.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from cli.console import say
from cli.options import asking, in_container
from cli.request import Audio, Video, check_inputs, succeeded
from services.common.errors import LipstageError
from services.common.messages import DubParameters, JobRecord, Priority

Job = Annotated[str, typer.Argument(help="The job's id, as `lipstage submit` printed it.")]
Via = Annotated[str | None, typer.Option(help="NATS address of the stack.", metavar="URL")]


@asking
def submit(
    video: Video,
    audio: Audio,
    asked: DubParameters,
    container: Annotated[str, typer.Option(help="mp4, mov, mkv or webm.")] = "mp4",
    priority: Annotated[Priority, typer.Option(help="Which jobs go first.")] = "normal",
    via: Via = None,
) -> None:
    """Hands a dub to a running stack and prints the job's id."""
    parameters = in_container(asked, f".{container}")
    check_inputs(video, audio, parameters)
    say(on_stack().submit(via, video, audio, parameters, priority).id)


def status(job: Job, via: Via = None) -> None:
    """Says how far a job is."""
    say(described(on_stack().status(via, job)))


def watch(
    job: Job,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also fetch the result to here.")] = None,
    via: Via = None,
) -> None:
    """Shows a job's progress until it ends."""
    say(described(succeeded(on_stack().watch(via, job, output))))


def cancel(job: Job, via: Via = None) -> None:
    """Ends a job; what it has made is removed."""
    say(described(on_stack().cancel(via, job)))


def described(record: JobRecord) -> str:
    """One line."""
    if record.state == "failed" and record.error:
        return f"failed [{record.error.code}]: {record.error.message}"
    if record.state != "processing":
        return record.state
    chunks = f"{len(record.chunks_done)}/{record.chunks if record.preprocessed else '?'} chunks"
    segments = sum(segment.status == "done" for segment in record.segments.values())
    return f"processing: {chunks}, {segments}/{len(record.segments) if record.preprocessed else '?'} segments"


def on_stack() -> ModuleType:
    """What talks to a stack. Raises LipstageError where it is not installed: dubbing on one machine works without."""
    try:
        return import_module("cli.on_stack")
    except ModuleNotFoundError as error:
        raise LipstageError(f"{error.name} is not installed; pip install 'lipstage[stack]' brings it.") from error
