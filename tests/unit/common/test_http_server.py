import asyncio
import os
import socket
import ssl
import time
from pathlib import Path

import httpx2
import psutil
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.tls import local_tls
from services.common.http_server import FINISH_S, http_server


async def test_an_answers_body_does_not_wait_for_its_head_to_be_acknowledged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        async with (
            http_server(PlainTextResponse("here"), listening),
            httpx2.AsyncClient(trust_env=False) as client,
        ):
            answer = await client.get(f"http://127.0.0.1:{port}")

            assert answer.text == "here"
            assert _sent_at_once(port)


@pytest.mark.parametrize("secure", [False, True])
async def test_idle_connections_do_not_keep_a_server_from_ending(secure: bool, tmp_path: Path) -> None:
    tls = local_tls(tmp_path) if secure else None
    trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=tls.authority) if tls else False
    async with httpx2.AsyncClient(trust_env=False, verify=trust) as client:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            async with http_server(PlainTextResponse("here"), listening, tls):
                await client.get(f"{'https' if secure else 'http'}://127.0.0.1:{port}")
                before_s = time.monotonic()

    assert time.monotonic() - before_s < FINISH_S / 2


@pytest.mark.parametrize("secure", [False, True])
async def test_an_answer_is_given_whole_to_a_slow_reader_before_a_server_ends(secure: bool, tmp_path: Path) -> None:
    tls = local_tls(tmp_path) if secure else None
    body, written = bytes(30 << 20), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(body)(scope, receive, send)
        written.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        async with http_server(app, listening, tls):
            trust = ssl.create_default_context(cafile=tls.authority) if tls else None
            answer, asking = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            asking.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            await written.wait()
            read = asyncio.create_task(_late(answer, listening))

    assert len(await read) > len(body)
    asking.close()


async def _late(answer: asyncio.StreamReader, listening: socket.socket) -> bytes:
    """Begins once the server is ending."""
    while listening.fileno() >= 0:
        await asyncio.sleep(0.01)
    return await answer.read()


def _sent_at_once(port: int) -> bool:
    (accepted,) = (
        os.dup(connection.fd)
        for connection in psutil.Process().net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    )
    with socket.socket(fileno=accepted) as connection:
        return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
