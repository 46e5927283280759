"""Jobs that are done elsewhere: by a gateway, where the address begins with http, or by a stack that NATS leads to."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Protocol, cast

import typer

from cli import at_gateway
from cli.job_summary import JobSummary
from services.common.errors import LipstageError
from services.common.messages import DubParameters, Priority

Via = Annotated[
    str | None,
    typer.Option(
        help="The gateway's address (the key is LIPSTAGE_API_KEY), or the NATS address of a stack.", metavar="URL"
    ),
]

StackVia = Annotated[str | None, typer.Option(help="NATS address of the stack.", metavar="URL")]


class RemoteJobs(Protocol):
    """What the modules at_gateway and on_stack do alike; `via` is the address."""

    def submit(
        self, via: str | None, video: Path, audio: Path, parameters: DubParameters, priority: Priority
    ) -> JobSummary: ...

    def status(self, via: str | None, job: str) -> JobSummary: ...

    def watch(self, via: str | None, job: str, output: Path | None) -> JobSummary:
        """Shows progress until the job ends, and delivers its result if it has one and `output` is given."""
        ...

    def cancel(self, via: str | None, job: str) -> JobSummary: ...

    def dub_via(self, via: str | None, video: Path, audio: Path, output: Path, parameters: DubParameters) -> JobSummary:
        """A whole dub; an interruption cancels it. Raises the error that the job ended with, if any."""
        ...


def remote_jobs(via: str | None) -> RemoteJobs:
    """Raises LipstageError."""
    if via and via.startswith(("http://", "https://")):
        return at_gateway
    return cast(RemoteJobs, on_stack())


def on_stack() -> ModuleType:
    """What talks to a stack. Raises LipstageError where it is not installed: dubbing on one machine works without."""
    try:
        return import_module("cli.on_stack")
    except ModuleNotFoundError as error:
        raise LipstageError(f"{error.name} is not installed; pip install 'lipstage[stack]' brings it.") from error
