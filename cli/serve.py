"""`lipstage serve`: the page, the API and its dialects, with all stages, from one process."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from services.common.errors import LipstageError

DATA = Path(".lipstage/serve")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; others reach 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 = any free one.")] = 8000,
    tls: Annotated[bool, typer.Option("--tls", help="Answer https, with a certificate made for this machine.")] = False,
    grpc_port: Annotated[int | None, typer.Option(help="Also answer gRPC, on this port; 0 = any free one.")] = None,
    data: Annotated[Path, typer.Option(help="Where jobs, media and keys are kept.")] = DATA,
) -> None:
    """Serves the page, the API and its dialects until it is told to stop.

    Links begin with LIPSTAGE_PUBLIC_URL where it is set: the address under which others reach this machine.
    """
    try:
        serving = import_module("cli.serving")
    except ModuleNotFoundError as error:
        raise LipstageError(f"{error.name} is not installed; pip install 'lipstage[gateway]' brings it.") from error
    serving.serve(host, port, grpc_port, tls, data)
