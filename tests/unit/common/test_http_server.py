import os
import socket

import httpx2
import psutil
from starlette.responses import PlainTextResponse

from services.common.http_server import http_server


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


def _sent_at_once(port: int) -> bool:
    (accepted,) = (
        os.dup(connection.fd)
        for connection in psutil.Process().net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    )
    with socket.socket(fileno=accepted) as connection:
        return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
