"""`python -m services.local up|status|logs|down`: the whole system on this machine, without containers."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Annotated

import psutil
import typer

from services.common.command_line import program, run_program
from services.common.errors import LipstageError
from services.local.processes import free_port
from services.local.stack import WORKERS, LocalStack

FOLDER = Path(".lipstage/stack")
STOP_S, LOOK_S = 60.0, 0.1
PAGE_PORT = 8000
"""Unless somebody else has it."""

app = program(
    "python -m services.local",
    "NATS, an S3 server, Triton, the workers and the gateway here, without containers.",
)
Folder = Annotated[Path, typer.Option(help="Where its data and logs are.")]


@app.command()
def up(
    folder: Folder = FOLDER, denoise: Annotated[int, typer.Option(help="Denoise workers.")] = 1, variant: str = "1"
) -> None:
    """Starts everything and returns when it is ready."""
    if _running(folder):
        raise LipstageError(f"The stack in {folder} runs already.")
    folder.mkdir(parents=True, exist_ok=True)
    _state(folder).unlink(missing_ok=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "services.local", "run", "--folder", str(folder)]
    command += ["--denoise", str(denoise), "--variant", variant]
    with (folder / "stack.log").open("wb") as log:
        keeper = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    told = 0
    while not _state(folder).exists():
        told = _tell_from(folder / "stack.log", told)
        if keeper.poll() is not None:
            _tell_from(folder / "stack.log", told)
            raise LipstageError(f"The stack did not start; the logs in {folder} say why.")
        time.sleep(LOOK_S)
    _tell_from(folder / "stack.log", told)
    typer.echo(f"Everything is ready after {time.monotonic() - started:.1f} s.")
    typer.echo(f"Open {json.loads(_state(folder).read_text(encoding='utf-8'))['page']}")
    typer.echo("Or submit a job: lipstage submit VIDEO AUDIO · logs: make logs · stop: make down")


@app.command()
def status(folder: Folder = FOLDER) -> None:
    """Says which parts run."""
    if not _running(folder):
        typer.echo("The stack does not run; make up starts it.")
        raise typer.Exit(1)
    state = json.loads(_state(folder).read_text(encoding="utf-8"))
    for name, part in state["parts"].items():
        alive = psutil.pid_exists(part["pid"])
        ready = _answer(f"{part['health']}/readyz") if part["health"] and alive else "runs" if alive else "has ended"
        typer.echo(f"{name:<14} {part['pid']:>8}  {ready}")
    typer.echo(f"Open {state['page']}")


@app.command()
def logs(folder: Folder = FOLDER) -> None:
    """Shows the logs of all parts as they are written, each line with the part's name."""
    files = sorted(map(str, folder.rglob("*.log")))
    with subprocess.Popen(["tail", "-n", "10", "-F", *files], stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        part = ""
        for line in tail.stdout:
            if line.startswith("==> "):
                part = Path(line[4:-5]).stem
            elif line.strip():
                typer.echo(f"{part:<14} {line}", nl=False)


@app.command()
def down(folder: Folder = FOLDER) -> None:
    """Stops everything; data and logs stay."""
    if not _running(folder):
        typer.echo("The stack does not run.")
        return
    state = json.loads(_state(folder).read_text(encoding="utf-8"))
    keeper = psutil.Process(state["keeper"])
    keeper.send_signal(signal.SIGTERM)
    keeper.wait(STOP_S)
    left = [name for name, part in state["parts"].items() if psutil.pid_exists(part["pid"])]
    if left:
        raise LipstageError(f"{', '.join(left)} did not stop.")
    typer.echo("Everything has stopped.")


@app.command(hidden=True)
def run(folder: Folder = FOLDER, denoise: int = 1, variant: str = "1") -> None:
    """Keeps the stack until it is told to stop; `up` starts this in the background."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    wanted = {**WORKERS, "denoise": denoise, "gateway": 1}
    with LocalStack(folder, wanted, variant, say=typer.echo, page_port=free_port(PAGE_PORT)) as stack:
        variables = "".join(f"{name}={value}\n" for name, value in stack.environment.items())
        settings = folder / "stack.env"
        settings.touch(mode=0o600)
        settings.write_text(variables, encoding="utf-8")
        servers = {"nats": stack.nats.pid, "s3": stack.s3.pid, "triton": stack.triton.pid}
        parts = {name: {"pid": pid, "health": ""} for name, pid in servers.items()}
        parts |= {worker.name: {"pid": worker.pid, "health": worker.health_url} for worker in stack.workers.values()}
        aside = folder / "state.json.new"
        state = {"keeper": os.getpid(), "page": f"{stack.gateway.url}/#key={stack.key()}", "parts": parts}
        aside.touch(mode=0o600)
        aside.write_text(json.dumps(state, indent=1), encoding="utf-8")
        aside.replace(_state(folder))
        try:
            signal.pause()
        finally:
            _state(folder).unlink()
            settings.unlink()


def _state(folder: Path) -> Path:
    return folder / "state.json"


def _running(folder: Path) -> bool:
    try:
        keeper = json.loads(_state(folder).read_text(encoding="utf-8"))["keeper"]
    except FileNotFoundError:
        return False
    return bool(psutil.pid_exists(keeper))


def _tell_from(log: Path, told: int) -> int:
    """Prints the lines of `log` after the first `told` characters; returns how many are told now."""
    text = log.read_text(encoding="utf-8")
    complete = text[: text.rfind("\n") + 1]
    typer.echo(complete[told:], nl=False)
    return len(complete)


def _answer(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode().strip())
    except OSError as error:
        return f"not ready: {error}"


if __name__ == "__main__":
    run_program(app)
