"""The gateway as a part of the local stack, for whoever runs this machine."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from gateway.jetstream_documents import JetStreamDocuments
from gateway.local_secrets import local_key, local_link_secret
from services.common.nats_connection import nats_connection
from services.local.nats import NatsServer
from services.local.processes import WorkerProcess, free_ports


class GatewayProcess(WorkerProcess):
    """`python -m gateway` on ports of its own, which it keeps over restarts."""

    def __init__(
        self, name: str, environment: Mapping[str, str], folder: Path, variant: str, http_port: int = 0
    ) -> None:
        """`http_port`: 0 = any free one. `environment` has the last word."""
        any_http, grpc = free_ports(2)
        http = http_port or any_http
        self.url, self.grpc_address = f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}"
        own = {
            "LIPSTAGE_ENVIRONMENT": "development",
            "LIPSTAGE_PORT": str(http),
            "LIPSTAGE_GRPC_PORT": str(grpc),
            "LIPSTAGE_PUBLIC_URL": self.url,
            "LIPSTAGE_S3_PUBLIC_URL": environment["LIPSTAGE_S3_URL"],
            "LIPSTAGE_LINK_SECRET": local_link_secret(folder),
            "LIPSTAGE_ROUTE_OWNER": "this machine",
            "LIPSTAGE_SUPPORT": "whoever runs this machine",
            "LIPSTAGE_VARIANTS": json.dumps([variant]),
        }
        super().__init__(name, ["gateway"], {**own, **environment}, folder / f"{name}.log")


def stack_key(nats: NatsServer, folder: Path) -> str:
    """The token of whoever runs the stack, the same each time. Raises Unavailable."""

    async def kept_or_made() -> str:
        async with nats_connection(nats.url, nats.user, nats.password, "make up") as connection:
            return await local_key(JetStreamDocuments(connection), folder, "made by make up")

    return asyncio.run(kept_or_made())
