"""The Dockerfile: its style, and the health check that it brings."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from deployment.manifests import OVERLAYS, ROOT, WORKLOADS, containers, of_kind

DOCKERFILE = ROOT / "docker" / "Dockerfile"


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_every_image_runs_as_the_user_that_shares_memory_with_triton() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE.read_text(), flags=re.MULTILINE)[1:]
    users = {stage.split()[2]: re.findall(r"^USER (\S+)", stage, re.MULTILINE) for stage in stages}

    assert users["runtime"] == users["triton"] == ["1000:1000"]
    assert all(stage.startswith("runtime ") for stage in stages if stage.split()[2] in _services())


def test_every_image_of_the_manifests_is_a_target() -> None:
    used = {
        container["image"].rpartition(":")[0].rpartition("/")[2].removeprefix("lipstage-")
        for overlay in OVERLAYS
        for workload in of_kind(overlay, *WORKLOADS)
        for container in containers(workload)
        if "lipstage" in container["image"]
    }

    assert used == _services() | {"triton"}


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_a_container_is_healthy_as_long_as_it_is_ready(status: int, healthy: bool) -> None:
    with _answering("/readyz", status) as port:
        assert _health_check(port) is healthy


def test_a_container_without_an_answer_is_not_healthy() -> None:
    with _answering("/readyz", 200) as port:
        pass

    assert not _health_check(port)


def _services() -> set[str]:
    return set(re.findall(r"^FROM runtime AS (\w+)$", DOCKERFILE.read_text(), re.MULTILINE))


def _health_check(port: int) -> bool:
    (written,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE.read_text(), re.MULTILINE | re.DOTALL)
    program, *arguments = json.loads(written.replace("\\\n", ""))
    assert program == "python"
    environment = os.environ | {"LIPSTAGE_HEALTH_PORT": str(port)}
    return subprocess.run([sys.executable, *arguments], env=environment, stderr=subprocess.DEVNULL).returncode == 0


@contextmanager
def _answering(path: str, status: int) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == path else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
