"""`lipstage submit`, `status`, `watch` and `cancel`: jobs of a gateway or of a running stack.

Where the stack is, and the keys to it, say the LIPSTAGE_ variables of its services, or what `make up` wrote down.
"""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import say
from cli.options import asking, in_container
from cli.remote import Via, remote_jobs
from cli.request import Audio, Video, check_inputs, succeeded
from services.common.messages import DubParameters, Priority

Job = Annotated[str, typer.Argument(help="The job's id, as `lipstage submit` printed it.")]


@asking
def submit(
    video: Video,
    audio: Audio,
    asked: DubParameters,
    container: Annotated[str, typer.Option(help="mp4, mov, mkv or webm.")] = "mp4",
    priority: Annotated[Priority, typer.Option(help="Which jobs go first.")] = "normal",
    via: Via = None,
) -> None:
    """Hands a dub to a gateway or a running stack and prints the job's id."""
    parameters = in_container(asked, f".{container}")
    check_inputs(video, audio)
    say(remote_jobs(via).submit(via, video, audio, parameters, priority).id)


def status(job: Job, via: Via = None) -> None:
    """Says how far a job is."""
    say(str(remote_jobs(via).status(via, job)))


def watch(
    job: Job,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also fetch the result to here.")] = None,
    via: Via = None,
) -> None:
    """Shows a job's progress until it ends."""
    say(str(succeeded(remote_jobs(via).watch(via, job, output))))


def cancel(job: Job, via: Via = None) -> None:
    """Ends a job; what it has made is removed."""
    say(str(remote_jobs(via).cancel(via, job)))
