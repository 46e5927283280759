"""`python -m gateway`: the front door of the distributed body."""

import asyncio
import logging
import socket
from functools import partial

from gateway.app import make_app
from gateway.front import Ports, open_front
from gateway.grpc_server import serving_grpc
from gateway.jetstream_documents import JetStreamDocuments
from gateway.settings import GatewaySettings
from services.common.health import health_server
from services.common.http_server import http_server
from services.common.process_memory import keep_memory_flat
from services.common.provenance.signing_files import own_root
from services.common.s3_links import S3Links
from services.common.service import exiting_clearly
from services.common.serving import closing_signals
from services.common.stack import Stack, connected, s3_access
from services.common.stack_settings import StackSettings
from services.common.telemetry import start_telemetry

log = logging.getLogger(__name__)


def main() -> None:
    """Serves until SIGTERM or SIGINT; exits with 2 and one clear line when it cannot start."""
    keep_memory_flat()
    start_telemetry("gateway")
    with exiting_clearly():
        stack_settings = StackSettings()  # type: ignore[call-arg]  # the environment has them
        settings = GatewaySettings()  # type: ignore[call-arg]
        asyncio.run(_serve(stack_settings, settings))


async def _serve(stack_settings: StackSettings, settings: GatewaySettings) -> None:
    closing = closing_signals()
    # Networks' cards are all that is asked of Triton, once per job: those need not be loaded, and while Triton is away
    # jobs wait.
    async with (
        connected(stack_settings, "gateway") as stack,
        open_front(_ports(stack, settings), settings) as front,
        http_server(make_app(front), socket.create_server((settings.host, settings.port))),
        serving_grpc(front, settings.host, settings.grpc_port),
        health_server(stack_settings.health_port, stack.trouble),
    ):
        log.info("the gateway is ready on port %d", settings.port)
        await closing.wait()
    log.info("the gateway has stopped")


def _ports(stack: Stack, settings: GatewaySettings) -> Ports:
    links = None
    if settings.s3_public_url:
        links = S3Links(
            s3_access(stack.settings.model_copy(update={"s3_url": str(settings.s3_public_url).rstrip("/")}))
        )
    signed_here = partial(own_root, stack.settings)
    return Ports(JetStreamDocuments(stack.nats), stack.bus, stack.jobs, stack.media, stack.models, links, signed_here)


if __name__ == "__main__":
    main()
