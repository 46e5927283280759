"""The `lipstage` command."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from cli import consents, doctor, dub, evaluate, jobs, keys, ledger, probe, serve, verify, webhooks, weights
from services.common.command_line import program, run_program
from services.common.process_memory import keep_memory_flat

app = program("lipstage", "A video and a new voice go in; the same video comes out speaking the new voice.")
app.command("dub")(dub.dub)
app.command("submit")(jobs.submit)
app.command("status")(jobs.status)
app.command("watch")(jobs.watch)
app.command("cancel")(jobs.cancel)
app.command("probe")(probe.probe)
app.command("serve")(serve.serve)
app.command("evaluate")(evaluate.evaluate)
app.command("verify")(verify.verify)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(consents.app, name="consents")
app.add_typer(ledger.app, name="ledger")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(weights.app, name="weights")


def run() -> None:
    """Entry point."""
    keep_memory_flat()
    run_program(app)
