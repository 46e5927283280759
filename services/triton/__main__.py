"""`python -m services.triton`: a local server for the model repository, and the cards it tells its callers."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.common.command_line import program, run_program
from services.common.settings import Settings
from services.triton.cards import write_cards
from services.triton.server import TritonServer
from services.triton.server_root import ENVIRONMENT

MODEL_REPOSITORY = Settings().models_dir

app = program(
    "python -m services.triton", "Triton on this machine, for development and tests; production runs NVIDIA's image."
)
Repository = Annotated[Path, typer.Option(help="The model repository.")]


@app.command()
def serve(
    repository: Repository = MODEL_REPOSITORY,
    grpc_port: Annotated[int, typer.Option(help="Where clients connect.")] = 8001,
    metrics_port: Annotated[int, typer.Option(help="Where /metrics is.")] = 8002,
    environment: Annotated[Path, typer.Option(help="The virtual environment Triton is installed in.")] = ENVIRONMENT,
) -> None:
    """Serves until it is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with TritonServer(repository, grpc_port=grpc_port, metrics_port=metrics_port, environment=environment) as server:
        typer.echo(f"Triton is ready: gRPC on {server.url}, metrics on 127.0.0.1:{metrics_port}")
        sys.exit(server.wait())


@app.command()
def cards(repository: Repository = MODEL_REPOSITORY) -> None:
    """Writes what the exported graphs say about themselves into the configurations, for clients to ask."""
    for path in write_cards(repository):
        typer.echo(f"{path}: written anew")


if __name__ == "__main__":
    run_program(app)
