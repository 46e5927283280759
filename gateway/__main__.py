"""`python -m gateway`: the front door of the distributed body."""

import asyncio

import uvicorn

from gateway.app import make_app
from gateway.front import Ports, open_front
from gateway.jetstream_documents import JetStreamDocuments
from gateway.settings import GatewaySettings
from services.common.process_memory import keep_memory_flat
from services.common.s3_links import S3Links
from services.common.service import exiting_clearly
from services.common.stack import Stack, connected, s3_access
from services.common.stack_settings import StackSettings
from services.common.telemetry import start_telemetry


def main() -> None:
    """Serves until SIGTERM or SIGINT; exits with 2 and one clear line when it cannot start."""
    keep_memory_flat()
    start_telemetry("gateway")
    with exiting_clearly():
        stack_settings = StackSettings()  # type: ignore[call-arg]  # the environment has them
        settings = GatewaySettings()  # type: ignore[call-arg]
        asyncio.run(_serve(stack_settings, settings))


async def _serve(stack_settings: StackSettings, settings: GatewaySettings) -> None:
    async with (
        connected(stack_settings, "gateway", settings.variants) as stack,
        open_front(_ports(stack, settings), settings) as front,
    ):
        config = uvicorn.Config(
            make_app(front), settings.host, settings.port, log_config=None, proxy_headers=False, server_header=False
        )
        await uvicorn.Server(config).serve()


def _ports(stack: Stack, settings: GatewaySettings) -> Ports:
    links = None
    if settings.s3_public_url:
        links = S3Links(
            s3_access(stack.settings.model_copy(update={"s3_url": str(settings.s3_public_url).rstrip("/")}))
        )
    return Ports(JetStreamDocuments(stack.nats), stack.bus, stack.jobs, stack.media, stack.models, links)


if __name__ == "__main__":
    main()
