"""A live gateway with all stages in one process, as `lipstage serve` starts it."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from command import COMMAND

STOP_S = 30.0


@dataclass(frozen=True)
class Gateway:
    url: str
    key: str
    data: Path
    pid: int
    grpc: str = ""
    """Where it answers gRPC, if it was told to."""

    @property
    def authority(self) -> Path:
        """What clients must trust where it answers https."""
        return self.data / "tls" / "ca.pem"


@contextmanager
def serving(data: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    """Serves on a free port until the context ends, which must end it cleanly."""
    command = [*COMMAND, "serve", "--port", "0", "--data", str(data), *options]
    data.mkdir(parents=True, exist_ok=True)
    settings = {**os.environ, "LIPSTAGE_SIGNING_DIR": str(data / "signing"), **(environment or {})}
    with (data / "serve.log").open("ab") as log:
        process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        url, key, grpc = _addresses(process, data)
        yield Gateway(url, key, data, process.pid, grpc)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _addresses(process: "subprocess.Popen[str]", data: Path) -> tuple[str, str, str]:
    assert process.stdout is not None
    grpc = ""
    for line in process.stdout:
        if line.startswith("gRPC answers on "):
            grpc = line.removeprefix("gRPC answers on ").strip()
        if line.startswith("Open "):
            url, _, key = line.removeprefix("Open ").strip().partition("/#key=")
            return url, key, grpc
    raise AssertionError((data / "serve.log").read_text())
