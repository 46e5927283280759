"""The front door under load: real NATS, a real S3 server, one gateway process, no worker behind it.

    python -m bench.gateway [RATE_PER_S SECONDS WATCHERS]

Submits jobs at a fixed rate, whatever the answers take, and prints how long an answer took; then watches jobs by
server-sent events, cancels all of them, does the same again, and tells what the gateway's memory did. What is asked to
be dubbed is never dubbed.
"""

import asyncio
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from gateway.accounts import Limits
from gateway.clock import utc_now
from gateway.jetstream_documents import JetStreamDocuments
from gateway.keys import Keys
from services.common.nats_connection import nats_connection
from services.common.settings import Settings
from services.local.nats import NatsServer
from services.local.processes import free_ports
from services.local.s3 import S3Server
from services.triton.server import TritonServer

RATE_PER_S, SECONDS, WATCHERS = 100, 60, 1000
_SAMPLES = Path(__file__).resolve().parents[1] / "samples"
_READY_S = 60.0
_CANCELS_AT_ONCE = 8


def main() -> None:
    given = [int(argument) for argument in sys.argv[1:]]
    rate, seconds, watchers = given or (RATE_PER_S, SECONDS, WATCHERS)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    triton_port, metrics_port, port, health_port = free_ports(4)
    with (
        tempfile.TemporaryDirectory() as name,
        NatsServer(Path(name) / "nats") as nats,
        S3Server(Path(name) / "s3") as s3,
        TritonServer(
            Settings().models_dir, grpc_port=triton_port, metrics_port=metrics_port, log=Path(name) / "triton.log"
        ) as triton,
    ):
        environment = {
            **os.environ,
            "LIPSTAGE_NATS_URL": nats.url,
            "LIPSTAGE_NATS_USER": nats.user,
            "LIPSTAGE_NATS_PASSWORD": nats.password,
            "LIPSTAGE_S3_URL": s3.access.url,
            "LIPSTAGE_S3_ACCESS_KEY": s3.access.access_key,
            "LIPSTAGE_S3_SECRET_KEY": s3.access.secret_key,
            "LIPSTAGE_TRITON_URL": triton.url,
            "LIPSTAGE_SCRATCH_DIR": str(Path(name) / "scratch"),
            "LIPSTAGE_PORT": str(port),
            "LIPSTAGE_HEALTH_PORT": str(health_port),
            "LIPSTAGE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "LIPSTAGE_LINK_SECRET": secrets.token_urlsafe(32),
            "LIPSTAGE_ROUTE_OWNER": "a measurement",
            "LIPSTAGE_SUPPORT": "nobody",
            "LIPSTAGE_GRPC_PORT": "off",
        }
        subprocess.run([sys.executable, "-m", "services.bootstrap"], check=True, env=environment)
        token = asyncio.run(_token(nats))
        with (Path(name) / "gateway.log").open("wb") as log:
            gateway = subprocess.Popen([sys.executable, "-m", "gateway"], env=environment, stderr=log)
        try:
            asyncio.run(_measured(f"http://127.0.0.1:{port}", token, gateway.pid, rate, seconds, watchers))
        finally:
            gateway.terminate()
            gateway.wait()


async def _token(nats: NatsServer) -> str:
    async with nats_connection(nats.url, nats.user, nats.password, "bench") as connection:
        keys = Keys(JetStreamDocuments(connection), utc_now)
        most = Limits(requests_per_minute=1_000_000, creates_per_minute=1_000_000)
        account = await keys.create_account("bench", lambda account: account.model_copy(update={"limits": most}))
        _, token = await keys.create_key(account.id, "bench")
        return token


async def _measured(url: str, token: str, pid: int, rate: int, seconds: int, watchers: int) -> None:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=f"{url}/v1alpha", headers=headers, limits=limits, timeout=60, trust_env=False
    ) as client:
        await _until_ready(client)
        asked = {
            name: (await _uploaded(client, _SAMPLES / file))
            for name, file in (("video", "talking_head.mp4"), ("audio", "voice_b.m4a"))
        }
        before_mib = _memory_mib(pid)
        rounds = [await _round(client, asked, rate, seconds, watchers, pid) for _ in range(2)]
    table = Table("measure", "first", "again")
    for name, first in rounds[0].items():
        table.add_row(name, first, rounds[1][name])
    Console().print(table, f"The gateway's memory before anything was asked: {before_mib:.0f} MiB.")


async def _round(
    client: httpx2.AsyncClient, asked: dict[str, str], rate: int, seconds: int, watchers: int, pid: int
) -> dict[str, str]:
    took_s, jobs, elapsed_s = await _submitted(client, asked, rate, seconds)
    open_mib = _memory_mib(pid)
    first_s, watched_mib = await _watched(client, jobs[:watchers], pid)
    await _canceled(client, jobs)
    p50_ms, p90_ms, p99_ms = np.percentile(np.array(took_s) * 1000, (50, 90, 99))
    return {
        "jobs submitted": str(len(jobs)),
        "per second": f"{len(jobs) / elapsed_s:.1f}",
        "submit p50, p90, p99, ms": f"{p50_ms:.1f}, {p90_ms:.1f}, {p99_ms:.1f}",
        f"first event of {len(first_s)} watchers at once, p50, p99, s": _percentiles(first_s),
        "memory with these jobs open, MiB": f"{open_mib:.0f}",
        "memory while they are watched, MiB": f"{watched_mib:.0f}",
        "memory after all were canceled, MiB": f"{_memory_mib(pid):.0f}",
    }


async def _until_ready(client: httpx2.AsyncClient) -> None:
    deadline_s = time.monotonic() + _READY_S
    while True:
        try:
            if (await client.get("/me")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline_s, "the gateway did not come up"
        await asyncio.sleep(0.1)


async def _uploaded(client: httpx2.AsyncClient, path: Path) -> str:
    answer = await client.post("/uploads", files={"file": (path.name, path.read_bytes())})
    return str(answer.raise_for_status().json()["source"])


async def _submitted(
    client: httpx2.AsyncClient, asked: dict[str, str], rate: int, seconds: int
) -> tuple[list[float], list[str], float]:
    took_s: list[float] = []
    jobs: list[str] = []

    async def submit() -> None:
        started = time.perf_counter()
        answer = await client.post("/jobs", json=asked)
        took_s.append(time.perf_counter() - started)
        jobs.append(answer.raise_for_status().json()["id"])

    started = time.perf_counter()
    async with asyncio.TaskGroup() as submitting:
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            submitting.create_task(submit())
    return took_s, jobs, time.perf_counter() - started


async def _watched(client: httpx2.AsyncClient, jobs: list[str], pid: int) -> tuple[list[float], float]:
    """Seconds until each watcher's first event, and the gateway's memory while all of them watch."""
    first_s: list[float] = []
    all_there = asyncio.Event()

    async def watch(job: str) -> None:
        started = time.perf_counter()
        async with client.stream("GET", f"/jobs/{job}/events") as events:
            async for line in events.aiter_lines():
                if line.startswith("data: "):
                    break
            first_s.append(time.perf_counter() - started)
            if len(first_s) == len(jobs):
                all_there.set()
            await all_there.wait()

    async with asyncio.TaskGroup() as watching:
        for job in jobs:
            watching.create_task(watch(job))
        await asyncio.wait_for(all_there.wait(), _READY_S)
        memory_mib = _memory_mib(pid)
    return first_s, memory_mib


async def _canceled(client: httpx2.AsyncClient, jobs: list[str]) -> None:
    places = asyncio.Semaphore(_CANCELS_AT_ONCE)

    async def cancel(job: str) -> None:
        async with places:
            (await client.post(f"/jobs/{job}/cancel")).raise_for_status()

    async with asyncio.TaskGroup() as canceling:
        for job in jobs:
            canceling.create_task(cancel(job))


def _percentiles(seconds: list[float]) -> str:
    return f"{np.percentile(seconds, 50):.2f}, {np.percentile(seconds, 99):.2f}"


def _memory_mib(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / (1 << 20))


if __name__ == "__main__":
    main()
