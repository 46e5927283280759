"""A Triton server on this machine, for development and tests; production runs NVIDIA's image."""

import os
import signal
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from services.common.errors import Unavailable
from services.triton.server_root import ENVIRONMENT, installed, make_root

_SHARED_MEMORY = Path("/dev/shm")
_GRACE_S = 5
_LOOK_S = 0.05


class TritonServer:
    """Serves `repository` on 127.0.0.1 while the context lasts; can be started again after `stop` or `kill`.

    The server's log is appended to the file `log`, or goes where this process's output goes.
    """

    def __init__(
        self,
        repository: Path,
        *,
        grpc_port: int,
        metrics_port: int,
        environment: Path = ENVIRONMENT,
        log: Path | None = None,
    ) -> None:
        self.url = f"127.0.0.1:{grpc_port}"
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._options = [
            f"--model-repository={repository}",
            f"--grpc-port={grpc_port}",
            f"--metrics-port={metrics_port}",
        ]
        self._environment, self._log = environment, log
        self._shared_memory = f"lipstage-triton-{uuid.uuid4().hex}-"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server runs"
        return self._process.pid

    def start(self, within_s: float = 60.0) -> None:
        """Returns once every network is loaded. Raises Unavailable if that fails or takes longer, twice."""
        # Now and then 2.51 waits for ever for one of its Python processes; a second server does not.
        if not self._starts(within_s) and not self._starts(2 * within_s):
            raise Unavailable(f"Triton was not ready after {2 * within_s:.0f} s. {self._why()}")

    def wait(self) -> int:
        """The exit status, once the server ends by itself."""
        assert self._process is not None, "the server was not started"
        return self._process.wait()

    def stop(self) -> None:
        """Lets calls in flight finish, for a few seconds at most."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2 * _GRACE_S)
        self.kill()

    def kill(self) -> None:
        """Ends the server and the backend's processes at once, and removes what they leave behind."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        self._root.cleanup()
        for region in _SHARED_MEMORY.glob(f"{self._shared_memory}*"):
            region.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _starts(self, within_s: float) -> bool:
        triton = installed(self._environment)
        self._root = tempfile.TemporaryDirectory(prefix="lipstage-triton-")
        root = Path(self._root.name)
        make_root(triton, root)
        command = [str(triton.program), *self._options, *_common_options(root, self._shared_memory)]
        variables = os.environ | triton.variables
        # A group of its own, for the backend's processes outlive a server that was killed.
        if self._log is None:
            self._process = subprocess.Popen(command, env=variables, start_new_session=True)
        else:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    command, env=variables, start_new_session=True, stdout=log, stderr=subprocess.STDOUT
                )
        ready = False
        try:
            ready = self._gets_ready(self._process, within_s)
        finally:
            if not ready:
                self.kill()
        return ready

    def _gets_ready(self, process: subprocess.Popen[bytes], within_s: float) -> bool:
        deadline_s = time.monotonic() + within_s
        while not _is_ready(self.url):
            if process.poll() is not None:
                raise Unavailable(f"Triton ended with status {process.returncode} while starting. {self._why()}")
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_LOOK_S)
        return True

    def _why(self) -> str:
        if self._log is None:
            return "Its log above says why."
        failures = [line for line in self._log.read_text().splitlines() if "failed to load" in line]
        return failures[0] if failures else f"Its log is {self._log}."


def _common_options(root: Path, shared_memory: str) -> list[str]:
    return [
        f"--backend-directory={root / 'backends'}",
        f"--backend-config=python,shm-region-prefix-name={shared_memory}",
        "--grpc-address=127.0.0.1",
        "--metrics-address=127.0.0.1",
        "--allow-http=false",
        "--allow-gpu-metrics=false",
        f"--exit-timeout-secs={_GRACE_S}",
    ]


def _is_ready(url: str) -> bool:
    # A channel that found nobody waits longer and longer before it looks again, so each look has its own.
    with InferenceServerClient(url) as client, suppress(InferenceServerException):
        return bool(client.is_server_ready(client_timeout=_GRACE_S))
    return False
