"""Gateway and stages in one process, with no other server; needs the `gateway` extra."""

import asyncio
import secrets
import socket
from pathlib import Path
from typing import get_args

from pydantic import AnyHttpUrl, SecretStr

from cli.console import say
from cli.embedded_service import embedded_ports
from gateway.app import make_app
from gateway.clock import utc_now
from gateway.documents import Documents
from gateway.front import open_front
from gateway.keys import Keys
from gateway.settings import GatewaySettings, Variant
from gateway.tls import LocalTls, local_tls
from services.common.http_server import http_server
from services.common.service import closing_signals
from services.common.settings import Settings
from services.preprocess.faces.fetch import fetch

_TOKEN = "key"


def serve(host: str, port: int, tls: bool, data: Path) -> None:
    """Returns when it was told to stop."""
    data.mkdir(parents=True, exist_ok=True)
    listening = socket.create_server((host, port))
    asyncio.run(_serve(listening, data, local_tls(data / "tls") if tls else None))


async def _serve(listening: socket.socket, data: Path, tls: LocalTls | None) -> None:
    closing = closing_signals()
    host, port = listening.getsockname()[:2]
    pipeline = Settings()
    fetch(pipeline.faces_dir, say)
    base_url = f"https://localhost:{port}" if tls else f"http://{host}:{port}"
    settings = GatewaySettings(
        environment="development",
        public_url=AnyHttpUrl(base_url),
        link_secret=SecretStr(_kept(data / "link.secret")),
        route_owner="this machine",
        support="whoever runs this machine",
        variants=_variants(pipeline),
        workers=pipeline.chunks_in_flight,
    )
    async with (
        embedded_ports(data, pipeline, settings.variants) as ports,
        open_front(ports, settings) as front,
        http_server(make_app(front), listening, tls),
    ):
        say(f"Open {base_url}/#key={await _token(ports.documents, data / _TOKEN)}")
        if tls:
            say(f"Clients must trust {tls.authority}")
        await closing.wait()


async def _token(documents: Documents, path: Path) -> str:
    """The key of whoever runs this, kept so that the address stays the same."""
    if path.exists():
        return path.read_text(encoding="utf-8")
    keys = Keys(documents, utc_now)
    account = await keys.create_account("local")
    _, token = await keys.create_key(account.id, "made by lipstage serve")
    return _written(path, token)


def _kept(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else _written(path, secrets.token_urlsafe(32))


def _written(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return text


def _variants(settings: Settings) -> tuple[Variant, ...]:
    """Those whose UNet is in the model repository."""
    known: tuple[Variant, ...] = get_args(Variant)
    return tuple(variant for variant in known if (settings.models_dir / "unet" / variant / "model.onnx").exists())
