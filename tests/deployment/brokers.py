"""Real NATS servers, started from the configuration files of the deployment."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.manifests import ROOT, of_kind

from services.local.processes import free_ports

USER, PASSWORD = "lipstage", "12345"
"""A password that NATS would read as a number."""
Configuration = Mapping[str, str]
"""The text of each file, nats.conf and what it includes."""
_START_S, _LOOK_S = 10.0, 0.01


def of_compose() -> Configuration:
    return {"nats.conf": (ROOT / "docker" / "nats.conf").read_text()}


def of_overlay(overlay: str) -> Configuration:
    (found,) = (manifest for manifest in of_kind(overlay, "ConfigMap") if "nats.conf" in manifest["data"])
    files: Configuration = found["data"]
    return files


@dataclass(frozen=True)
class Broker:
    process: "subprocess.Popen[bytes]"
    url: str
    monitoring_url: str

    def told(self, path: str) -> Any:
        """What the server's monitoring answers."""
        with urllib.request.urlopen(f"{self.monitoring_url}/{path}", timeout=_START_S) as answer:
            return json.load(answer)


@contextmanager
def broker(
    configuration: Configuration, folder: Path, name: str = "nats-0", routes: Sequence[int] = ()
) -> Iterator[Broker]:
    """One server with its files in `folder`; `routes` are the cluster's ports, this server's own first."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in configuration.items():
        (folder / file).write_text(_on_this_machine(text, folder, routes))
    settings = folder / "nats.conf"
    settings.write_text(f"{settings.read_text()}\nports_file_dir: {folder}\n")
    binary = Path(sys.executable).with_name("nats-server")
    secrets = {"LIPSTAGE_NATS_USER": USER, "POD_NAME": name}
    # As docker-compose.yml and the StatefulSet hand it over.
    secrets |= {"LIPSTAGE_NATS_PASSWORD": f'"{PASSWORD}"', "QUOTED_PASSWORD": f'"{PASSWORD}"'}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, "-c", settings], env=os.environ | secrets, stdout=log, stderr=log)
    try:
        yield _started(process, folder)
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(configuration: Configuration, folder: Path) -> Iterator[list[Broker]]:
    ports = free_ports(3)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                broker(configuration, folder / f"{i}", f"nats-{i}", [ports[i], *ports[:i], *ports[i + 1 :]])
            )
            for i in range(3)
        ]


def _on_this_machine(text: str, folder: Path, routes: Sequence[int]) -> str:
    """The same configuration but for its addresses and folders."""
    own, *others = routes or [-1]
    text = re.sub(r"\S+:(4222|8222)$", "127.0.0.1:-1", text, flags=re.MULTILINE)
    text = text.replace("0.0.0.0:6222", f"127.0.0.1:{own}").replace("store_dir: /data", f"store_dir: {folder}")
    text = text.replace("/run/nats", str(folder))
    return re.sub(
        r"routes: \[.*?\]", f"routes: {[f'nats://127.0.0.1:{port}' for port in others]}", text, flags=re.DOTALL
    )


def _started(process: "subprocess.Popen[bytes]", folder: Path) -> Broker:
    ports = folder / f"nats-server_{process.pid}.ports"
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            found = json.loads(ports.read_text())
        except (FileNotFoundError, json.JSONDecodeError):  # not yet, or half written
            time.sleep(_LOOK_S)
            continue
        return Broker(process, found["nats"][0], found["monitoring"][0])
    raise AssertionError((folder / "log").read_text())
