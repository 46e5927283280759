"""Gateway and stages in one process, with no other server; needs the `gateway` extra."""

import asyncio
import socket
from pathlib import Path
from typing import get_args

from pydantic import SecretStr

from cli.console import say
from cli.embedded_service import embedded_ports
from cli.public_address import public_address
from gateway.app import make_app
from gateway.front import open_front
from gateway.grpc_server import serving_grpc
from gateway.local_secrets import local_key, local_link_secret
from gateway.settings import GatewaySettings, Variant
from gateway.tls import LocalTls, local_tls
from services.common.http_server import http_server
from services.common.serving import closing_signals
from services.common.settings import Settings
from services.preprocess.faces.fetch import fetch


def serve(host: str, port: int, grpc_port: int | None, tls: bool, data: Path) -> None:
    """Returns when it was told to stop."""
    data.mkdir(parents=True, exist_ok=True)
    listening = socket.create_server((host, port))
    asyncio.run(_serve(listening, grpc_port, data, local_tls(data / "tls") if tls else None))


async def _serve(listening: socket.socket, grpc_port: int | None, data: Path, tls: LocalTls | None) -> None:
    closing = closing_signals()
    host, port = listening.getsockname()[:2]
    address = public_address(host, port, tls is not None)
    pipeline = Settings()
    fetch(pipeline.faces_dir, say)
    settings = GatewaySettings(
        environment="development",
        grpc_port=grpc_port,
        public_url=address.url,
        link_secret=SecretStr(local_link_secret(data)),
        route_owner="this machine",
        support="whoever runs this machine",
        variants=_variants(pipeline),
        workers=pipeline.chunks_in_flight,
    )
    async with (
        embedded_ports(data, pipeline, settings.variants) as ports,
        open_front(ports, settings) as front,
        http_server(make_app(front), listening, tls),
        serving_grpc(front, host, grpc_port, tls) as grpc_bound,
    ):
        if grpc_bound:
            say(f"gRPC answers on {'localhost' if tls else host}:{grpc_bound}")
        if not address.is_certain:
            say(f"Links begin with {settings.base_url}; set LIPSTAGE_PUBLIC_URL if others need another address")
        say(f"Open {settings.base_url}/#key={await local_key(ports.documents, data, 'made by lipstage serve')}")
        if tls:
            say(f"Clients must trust {tls.authority}")
        await closing.wait()


def _variants(settings: Settings) -> tuple[Variant, ...]:
    """Those whose UNet is in the model repository."""
    known: tuple[Variant, ...] = get_args(Variant)
    return tuple(variant for variant in known if (settings.models_dir / "unet" / variant / "model.onnx").exists())
