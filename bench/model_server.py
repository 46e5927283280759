"""What it costs to ask Triton instead of the process's own ONNX Runtime, and how steps of several chunks are merged.

    python -m bench.model_server

One denoising step of variant 1 for 16 frames, in process, over gRPC and through shared memory; then the steps of 1, 2
and 4 chunks at once, with how many requests Triton's own counters say one execution served.
"""

import asyncio
import re
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from services.common.onnx_models import OnnxModels
from services.common.ports import Arrays, Models
from services.common.settings import Settings
from services.common.triton_models import TritonModels
from services.local.processes import free_port
from services.triton.server import TritonServer

VARIANT, SIDE, FRAMES = "1", 16, 16
REPEATS = 30


def main() -> None:
    repository, metrics_port = Settings().models_dir, free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "triton.log"
        server = TritonServer(repository, grpc_port=free_port(), metrics_port=metrics_port, log=log)
        with server:
            asyncio.run(_compare(server, OnnxModels(repository), metrics_port))


async def _compare(server: TritonServer, in_process: OnnxModels, metrics_port: int) -> None:
    inputs = await _step(in_process)
    payload = sum(array.nbytes for array in inputs.values())
    async with (
        TritonModels(server.url) as messages,
        TritonModels(server.url, shared_memory=True) as shared,
    ):
        ways: dict[str, Models] = {"in process": in_process, "gRPC": messages, "shared memory": shared}
        # In turns, so that whatever else the machine does meets all alike.
        for models in ways.values():
            await _infer(models, inputs)
        spent: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(REPEATS):
            for way, models in ways.items():
                spent[way].append(await _seconds(lambda models=models: _infer(models, inputs)))  # type: ignore[misc]
        table = Table("one step", f"median of {REPEATS}, ms", "beyond in process, ms", "payload in, KiB")
        alone_ms = float(np.median(spent["in process"])) * 1000
        for way, times_s in spent.items():
            median_ms = float(np.median(times_s)) * 1000
            table.add_row(way, f"{median_ms:.1f}", f"{median_ms - alone_ms:.1f}", f"{payload / 1024:.0f}")
        Console().print(table)

        merged = Table("chunks at once", "steps", "executions", "steps per execution", "ms per step")
        for chunks in (1, 2, 4):
            before = _counted(metrics_port)
            seconds = await _seconds(lambda chunks=chunks: _steps_at_once(messages, inputs, chunks))  # type: ignore[misc]
            asked, executed = (after - earlier for after, earlier in zip(_counted(metrics_port), before, strict=True))
            per_step_ms = f"{seconds / asked * 1000:.1f}"
            merged.add_row(str(chunks), f"{asked:.0f}", f"{executed:.0f}", f"{asked / executed:.2f}", per_step_ms)
        Console().print(merged)


async def _step(models: OnnxModels) -> dict[str, NDArray[np.generic]]:
    """Random inputs of the shapes that variant 1's graph takes."""
    draw = np.random.default_rng(0)
    sound = np.zeros((1, 1, 80, 3000), np.float32)
    features = (await models.infer("whisper_encoder", VARIANT, {"mel": sound[0]}, ("features",)))["features"]
    _, _, states, width = features.shape
    return {
        "latents": draw.standard_normal((1, 4, FRAMES, SIDE, SIDE), np.float32),
        "conditioning": draw.standard_normal((1, 9, FRAMES, SIDE, SIDE), np.float32),
        "audio": draw.standard_normal((1, FRAMES, 10 * states, width), np.float32),
        "timestep": np.array([500], np.int64),
        "guidance_scale": np.array([1.5], np.float32),
    }


async def _infer(models: Models, inputs: Arrays) -> None:
    await models.infer("unet", VARIANT, inputs, ("noise_pred",))


async def _steps_at_once(models: Models, inputs: Arrays, chunks: int) -> None:
    async def chunk() -> None:
        for _ in range(REPEATS // chunks):
            await _infer(models, inputs)

    await asyncio.gather(*(chunk() for _ in range(chunks)))


async def _seconds(call: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


def _counted(metrics_port: int) -> tuple[float, float]:
    """Requests and executions of the UNet so far, as Triton counts them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    asked, executed = (
        re.search(rf'^nv_inference_{kind}{{model="unet",version="{VARIANT}"}} (\S+)$', text, re.MULTILINE)
        for kind in ("count", "exec_count")
    )
    assert asked, "Triton counts requests"
    assert executed, "Triton counts executions"
    return float(asked[1]), float(executed[1])


if __name__ == "__main__":
    main()
