"""Processes of the local stack: each with its log, its readiness and a clean end."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from services.common.errors import LipstageError

START_S, LOOK_S = 90.0, 0.05
_ANSWER_S, _STOP_S = 10.0, 30.0


class WorkerProcess:
    """`python -m MODULE …`, ready when its health endpoint says so; can be started again after it has ended."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        self._command = [sys.executable, "-m", *command]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was started"
        return self._process.pid

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns at once; `wait_until_ready` follows."""
        self._port = free_port()
        environment = {**self._environment, "LIPSTAGE_HEALTH_PORT": str(self._port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_ready(self, within_s: float = START_S) -> None:
        """Raises LipstageError when the process ends or takes longer."""
        deadline_s = time.monotonic() + within_s
        while not self.is_ready():
            if not self.runs:
                raise LipstageError(f"{self.name} ended while starting; {self.log} says why.")
            if time.monotonic() > deadline_s:
                raise LipstageError(f"{self.name} was not ready after {within_s:.0f} s; {self.log} may say why.")
            time.sleep(LOOK_S)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.health_url}/readyz", timeout=_ANSWER_S) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait(self) -> int:
        """The exit status, once the process ends by itself."""
        assert self._process is not None, f"{self.name} was started"
        return self._process.wait()

    def stop(self, within_s: float = _STOP_S) -> None:
        """Lets tasks in hand finish or be handed back."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._process is not None:
            try:
                self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Harmless when the process has ended."""
        if self.runs:
            os.kill(self.pid, number)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
