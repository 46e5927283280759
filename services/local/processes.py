"""Processes of the local stack: each with its log, its readiness and a clean end."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from services.common.errors import LipstageError

START_S, LOOK_S = 90.0, 0.05
_ANSWER_S, _STOP_S = 10.0, 30.0


class ChildProcess:
    """A program in a session of its own, its output appended to the file `log`; it may be started more than once."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the process was started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def run(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Returns at once. The process gets our environment and what is in `environment`."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **(environment or {})}, stdout=log, stderr=log, start_new_session=True
            )

    def end(self, by: signal.Signals, within_s: float) -> None:
        """Returns when the process has ended: by the signal, or after `within_s` by force. Also ends a frozen one."""
        if self._process is None:
            return
        self.signal(by)
        self.signal(signal.SIGCONT)
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Harmless when the process has ended."""
        if self.runs:
            os.kill(self.pid, number)


class WorkerProcess(ChildProcess):
    """`python -m MODULE …`, ready when its health endpoint says so."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        super().__init__(log)
        self.name = name
        self._command = [sys.executable, "-m", *command]
        self._environment = environment
        self._port = 0

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns at once; `wait_until_ready` follows."""
        self._port = free_port()
        self.run(self._command, {**self._environment, "LIPSTAGE_HEALTH_PORT": str(self._port)})

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

    def wait(self, within_s: float = START_S) -> int:
        """The exit status, once the process ends by itself. Raises LipstageError when it takes longer."""
        assert self._process is not None, f"{self.name} was started"
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LipstageError(f"{self.name} took longer than {within_s:.0f} s; {self.log} may say why.") from None

    def stop(self, within_s: float = _STOP_S) -> None:
        """Lets tasks in hand finish or be handed back."""
        self.end(signal.SIGTERM, within_s)

    def kill(self) -> None:
        self.end(signal.SIGKILL, _STOP_S)


def free_port(wanted: int = 0) -> int:
    """A port of 127.0.0.1 that nobody uses at the moment: `wanted`, where that is one."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as probe:
            return int(probe.getsockname()[1])
    except OSError:
        (port,) = free_ports(1)
        return port


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody uses at the moment."""
    with ExitStack() as bound:
        probes = [bound.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]
