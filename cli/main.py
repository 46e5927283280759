"""The `lipstage` command."""

import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import typer

from cli import doctor, dub, evaluate, jobs, probe, weights
from cli.console import errors
from services.common.errors import LipstageError
from services.common.process_memory import keep_memory_flat

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="lipstage",
    help="A video and a new voice go in; the same video comes out speaking the new voice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("dub")(dub.dub)
app.command("submit")(jobs.submit)
app.command("status")(jobs.status)
app.command("watch")(jobs.watch)
app.command("cancel")(jobs.cancel)
app.command("probe")(probe.probe)
app.command("evaluate")(evaluate.evaluate)
app.command("doctor")(doctor.doctor)
app.add_typer(weights.app, name="weights")


def run() -> None:
    """Entry point: every expected error is one line with its code on stderr, and exit status 2."""
    keep_memory_flat()
    try:
        app()
    except LipstageError as error:
        errors.print(f"error [{error.code}]: {error}", soft_wrap=True, markup=False)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        errors.print("Stopped. The same command resumes from the finished chunks.")
        sys.exit(EXIT_INTERRUPTED)
