"""What a worker answers about itself."""

import urllib.error
import urllib.request
from asyncio import to_thread

import pytest

from services.common import metrics
from services.common.health import health_server


async def test_a_worker_that_can_work_says_so_everywhere() -> None:
    async def fine() -> str:
        return ""

    metrics.IN_FLIGHT.labels("a queue").set(7)
    async with health_server(0, fine) as port:
        answers = {path: await to_thread(_get, port, path) for path in ("/livez", "/startupz", "/readyz")}
        status, measured = await to_thread(_get, port, "/metrics")

    assert answers == {"/livez": (200, "alive\n"), "/startupz": (200, "alive\n"), "/readyz": (200, "ready\n")}
    assert status == 200
    assert 'lipstage_tasks_in_flight{queue="a queue"} 7.0' in measured


async def test_a_worker_that_cannot_work_is_alive_but_not_ready_and_says_why() -> None:
    async def broken() -> str:
        return "The broker does not answer."

    async with health_server(0, broken) as port:
        live, ready = await to_thread(_get, port, "/livez"), await to_thread(_get, port, "/readyz")

    assert live[0] == 200
    assert ready == (503, "The broker does not answer.\n")


async def test_a_port_in_use_is_an_error_at_start() -> None:
    async def fine() -> str:
        return ""

    async with health_server(0, fine) as port:
        with pytest.raises(OSError, match="in use"):
            async with health_server(port, fine):
                pass


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
