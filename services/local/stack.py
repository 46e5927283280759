"""The whole system on this machine without containers: NATS, an S3 server, Triton, the workers and the gateway."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

from services.common.errors import LipstageError
from services.common.settings import Settings
from services.local.gateway import GatewayProcess, stack_key
from services.local.nats import NatsServer
from services.local.processes import WorkerProcess, free_ports
from services.local.s3 import S3Server
from services.triton.server import TritonServer

WORKERS: Final[Mapping[str, int]] = {"preprocess": 1, "denoise": 1, "composite": 1, "reconciler": 1}
"""How many processes of each service run by default; `gateway` may be asked for besides."""

Say = Callable[[str], None]


class LocalStack:
    """Starts everything in order, each part once what it needs is ready; `with` starts and stops it.

    All files, logs and data are in `folder`; jobs that were under way go on when it is started there again.
    """

    def __init__(
        self,
        folder: Path,
        workers: Mapping[str, int] = WORKERS,
        variant: str = "1",
        extra: Mapping[str, str] | None = None,
        say: Say = lambda line: None,
        page_port: int = 0,
    ) -> None:
        """`page_port`: where the first gateway answers HTTP; 0 = on any free port."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._say = folder, say
        self.nats = NatsServer(folder / "nats")
        self.s3 = S3Server(folder / "s3")
        grpc_port, metrics_port = free_ports(2)
        log = folder / "triton.log"
        self.triton = TritonServer(Settings().models_dir, grpc_port=grpc_port, metrics_port=metrics_port, log=log)
        self.workers: dict[str, WorkerProcess] = {}
        self._wanted, self._variant, self._extra = workers, variant, extra or {}
        self._page_port = page_port

    @property
    def environment(self) -> dict[str, str]:
        """The variables a client or worker of this stack needs; complete once the servers run."""
        return {
            "LIPSTAGE_NATS_URL": self.nats.url,
            "LIPSTAGE_NATS_USER": self.nats.user,
            "LIPSTAGE_NATS_PASSWORD": self.nats.password,
            "LIPSTAGE_S3_URL": self.s3.access.url,
            "LIPSTAGE_S3_BUCKET": self.s3.access.bucket,
            "LIPSTAGE_S3_ACCESS_KEY": self.s3.access.access_key,
            "LIPSTAGE_S3_SECRET_KEY": self.s3.access.secret_key,
            "LIPSTAGE_TRITON_URL": self.triton.url,
            "LIPSTAGE_SCRATCH_DIR": str(self.folder / "scratch"),
            **self._extra,
        }

    @property
    def gateway(self) -> GatewayProcess:
        """The first one."""
        gateway = self.workers["gateway-1"]
        assert isinstance(gateway, GatewayProcess)
        return gateway

    def key(self) -> str:
        """The token of whoever runs the stack, kept in its folder. Raises Unavailable."""
        return stack_key(self.nats, self.folder)

    def start(self) -> None:
        """Raises LipstageError, with everything stopped again, when a part does not become ready."""
        try:
            with ThreadPoolExecutor() as pool:  # they do not need one another
                list(pool.map(self._start_server, (self.nats, self.s3, self.triton)))
            self._bootstrap()
            for service, count in self._wanted.items():
                for number in range(1, count + 1):
                    self._worker(f"{service}-{number}", service).start()
            for worker in self.workers.values():
                worker.wait_until_ready()
                self._say(f"{worker.name} is ready")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Workers first, so that what they hold is handed back."""
        with ThreadPoolExecutor(max_workers=max(1, len(self.workers))) as pool:
            list(pool.map(WorkerProcess.stop, self.workers.values()))
        self.triton.stop()
        self.s3.kill()  # as safe as asking it to stop, and seconds faster
        self.nats.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_server(self, server: NatsServer | S3Server | TritonServer) -> None:
        server.start()
        self._say(f"{type(server).__name__} is ready")

    def _bootstrap(self) -> None:
        log = self.folder / "bootstrap.log"
        worker = WorkerProcess("bootstrap", ["services.bootstrap"], self.environment, log)
        worker.start()
        if worker.wait():
            raise LipstageError(f"The stack could not be set up; {log} says why.")
        self._say("streams, consumers and buckets are set up")

    def _worker(self, name: str, service: str) -> WorkerProcess:
        self.workers[name] = worker = self._made(name, service)
        return worker

    def _made(self, name: str, service: str) -> WorkerProcess:
        if service == "gateway":
            port = self._page_port if name == "gateway-1" else 0
            return GatewayProcess(name, self.environment, self.folder, self._variant, port)
        command = [f"services.{service}"]
        if service == "denoise":
            command += ["--variant", self._variant]
        return WorkerProcess(name, command, self.environment, self.folder / f"{name}.log")
