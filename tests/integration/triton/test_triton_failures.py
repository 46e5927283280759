"""What can go wrong between a worker and Triton, and what becomes of it."""

import asyncio
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from network_calls import RandomCalls
from numpy.typing import NDArray
from odd_repository import NOTE, OTHER_DIMS, QUEUE_SIZE, held_up, make_odd_repository
from tritonclient.grpc.aio import InferenceServerClient

from services.common.errors import ModelError, ModelMissing, Unavailable, WrongVariant
from services.common.settings import Settings
from services.common.triton_models import TritonModels
from services.local.processes import free_port
from services.triton.server import TritonServer

QUEUED = 'nv_inference_pending_request_count{model="vae_encoder",version="1"}'
CANCELED = 'nv_inference_request_failure{model="vae_encoder",reason="CANCELED",version="1"}'


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("odd") / "models"
    make_odd_repository(Settings().models_dir, repository)
    return repository


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[TritonServer]:
    log = repository.with_name("triton.log")
    server = TritonServer(repository, grpc_port=free_port(), metrics_port=free_port(), log=log)
    server.start()
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def no_memory_is_left(server: TritonServer) -> Iterator[None]:
    before = memory_of_workers()
    yield
    assert memory_of_workers() <= before


@pytest.fixture(params=["messages", "shared memory"])
def shared_memory(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "shared memory")


@pytest.fixture
async def models(server: TritonServer, shared_memory: bool) -> AsyncIterator[TritonModels]:
    async with TritonModels(server.url, shared_memory=shared_memory, patience_s=0) as models:
        yield models


async def test_a_network_that_is_not_there_is_missing(models: TritonModels, calls: RandomCalls) -> None:
    model, arrays, outputs = calls.unet(2, 1.0)

    with pytest.raises(ModelMissing, match="no unet of variant 1"):
        await models.infer(model, "1", arrays, outputs)
    with pytest.raises(ModelMissing, match="no unet of variant 1"):
        await models.card("unet", "1")
    with pytest.raises(ModelMissing, match="no unet of variant 1"):
        await models.check("1")


async def test_a_version_that_is_listed_but_not_there_is_missing(models: TritonModels, calls: RandomCalls) -> None:
    model, arrays, outputs = calls.whisper_encoder(mel_frames=20)

    with pytest.raises(ModelMissing, match="no whisper_encoder of variant 16"):
        await models.infer(model, "16", arrays, outputs)


async def test_a_network_of_another_variant_is_refused(models: TritonModels, calls: RandomCalls) -> None:
    model, arrays, outputs = calls.vae_decoder(images=1)

    with pytest.raises(WrongVariant, match="a vae_decoder of variant 1 as variant 15") as refused:
        await models.infer(model, "15", arrays, outputs)
    assert refused.value.fields == {"model": "vae_decoder", "recorded": "1", "variant": "15"}


async def test_variants_of_different_widths_are_served_side_by_side(models: TritonModels, calls: RandomCalls) -> None:
    model, arrays, outputs = calls.whisper_encoder(mel_frames=20)

    demo = await models.infer(model, "1", arrays, outputs)
    other = await models.infer(model, "15", arrays, outputs)

    assert demo["features"].shape == (1, 10, 3, 96)
    assert other["features"].shape == (1, 10, OTHER_DIMS.n_audio_layer + 1, OTHER_DIMS.n_audio_state)
    assert (await models.card(model, "15")).note == NOTE


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"mel": np.zeros((1, 81, 20), np.float32)}, ("features",)),
        ({"mel": np.zeros((80, 20), np.float32)}, ("features",)),
        ({"mel": np.zeros((1, 80, 20), np.int64)}, ("features",)),
        ({"mel": np.zeros((1, 80, 4000), np.float32)}, ("features",)),
        ({"mel": np.zeros((5, 80, 20), np.float32)}, ("features",)),
        ({"sound": np.zeros((1, 80, 20), np.float32)}, ("features",)),
        ({"mel": np.zeros((1, 80, 20), np.float32)}, ("words",)),
    ],
    ids=["mels", "rank", "type", "too long for the network", "batch", "input name", "output name"],
)
async def test_what_a_network_cannot_take_is_an_error_of_the_model(
    models: TritonModels, calls: RandomCalls, inputs: dict[str, NDArray[np.generic]], outputs: tuple[str, ...]
) -> None:
    with pytest.raises(ModelError, match=r"whisper_encoder \(variant 1\) failed: ") as failed:
        await models.infer("whisper_encoder", "1", inputs, outputs)

    assert type(failed.value) is ModelError
    model, arrays, right = calls.whisper_encoder(mel_frames=20)
    assert (await models.infer(model, "1", arrays, right))["features"].shape == (1, 10, 3, 96)


async def test_a_call_that_takes_too_long_is_given_up(
    server: TritonServer, repository: Path, shared_memory: bool
) -> None:
    async with TritonModels(server.url, shared_memory=shared_memory, deadline_s=0.2) as models:
        with held_up(repository), pytest.raises(Unavailable, match="Deadline Exceeded"):
            await echo(models)


async def test_a_canceled_call_is_canceled_in_triton_too(server: TritonServer, repository: Path) -> None:
    async with TritonModels(server.url) as models:
        canceled = await metric(server, CANCELED)
        with held_up(repository):
            in_flight = [asyncio.create_task(echo(models, width)) for width in (64, 65)]
            await until(server, QUEUED, lambda calls: calls == 1)

            for call in in_flight:
                call.cancel()

            await asyncio.wait(in_flight)
        await until(server, CANCELED, lambda calls: calls > canceled)


async def test_memory_of_a_canceled_call_is_not_used_before_triton_is_done_with_it(
    server: TritonServer, repository: Path
) -> None:
    async with TritonModels(server.url, shared_memory=True) as models, asyncio.TaskGroup() as tasks:
        for width in (64, 65):
            await echo(models, width)  # from now on Triton writes outputs of this size behind the inputs
        with held_up(repository):
            in_flight = [tasks.create_task(echo(models, width)) for width in (64, 65)]
            await until(server, QUEUED, lambda calls: calls == 1)
            for call in in_flight:
                call.cancel()

            # Its input takes the places of a canceled call's input and output together.
            tasks.create_task(echo(models, width=127))
            await until(server, QUEUED, lambda calls: calls == 2)


async def test_a_full_queue_is_told_at_once_or_waited_for(server: TritonServer, repository: Path) -> None:
    async with (
        TritonModels(server.url, patience_s=0) as hasty,
        TritonModels(server.url) as patient,
        asyncio.TaskGroup() as tasks,
    ):
        with held_up(repository):
            for width in range(64, 65 + QUEUE_SIZE):
                tasks.create_task(echo(patient, width))
            await until(server, QUEUED, lambda calls: calls == QUEUE_SIZE)

            tasks.create_task(echo(patient))
            with pytest.raises(Unavailable, match="maximum queue size"):
                await echo(hasty)


async def test_a_server_that_dies_in_the_middle_of_calls_is_told_at_once_or_waited_for(
    server: TritonServer, repository: Path, shared_memory: bool
) -> None:
    async with (
        TritonModels(server.url, shared_memory=shared_memory, patience_s=0) as hasty,
        TritonModels(server.url, shared_memory=shared_memory) as patient,
        TritonModels(server.url, shared_memory=shared_memory) as idle,
    ):
        await echo(idle)
        with held_up(repository):
            lost, kept = asyncio.create_task(echo(hasty, 64)), asyncio.create_task(echo(patient, 65))
            await until(server, QUEUED, lambda calls: calls == 1)

            server.kill()

            with pytest.raises(Unavailable):
                await lost
            with pytest.raises(Unavailable):
                await hasty.check("1")
        await asyncio.to_thread(server.start)
        await kept
        await echo(idle)


async def test_a_server_that_never_was_is_unavailable(calls: RandomCalls, shared_memory: bool) -> None:
    model, arrays, outputs = calls.whisper_encoder(mel_frames=20)

    async with TritonModels(f"127.0.0.1:{free_port()}", shared_memory=shared_memory, patience_s=0.2) as models:
        with pytest.raises(Unavailable, match="cannot be used"):
            await models.infer(model, "1", arrays, outputs)


async def test_memory_of_a_killed_worker_is_taken_from_triton(server: TritonServer) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_WORKER, server.url], check=False)
    assert killed.returncode == -signal.SIGKILL
    async with InferenceServerClient(server.url) as client, TritonModels(server.url, shared_memory=True) as models:
        left = set((await client.get_system_shared_memory_status()).regions)

        await echo(models)

        assert left
        assert left.isdisjoint((await client.get_system_shared_memory_status()).regions)


KILLED_WORKER = """
import asyncio, os, signal, sys
import numpy as np
from services.common.triton_models import TritonModels

async def work():
    models = TritonModels(sys.argv[1], shared_memory=True)
    await models.infer("vae_encoder", "1", {"images": np.zeros((1, 3, 8, 8), np.float32)}, ("moments",))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(work())
"""


async def echo(models: TritonModels, width: int = 64) -> None:
    """Calls of different widths are never merged to a batch."""
    images = np.random.default_rng(width).standard_normal((1, 3, 64, width), dtype=np.float32)
    outputs = await models.infer("vae_encoder", "1", {"images": images}, ("moments",))
    assert outputs["moments"].tobytes() == images.tobytes()


async def until(server: TritonServer, name: str, holds: Callable[[float], bool]) -> None:
    """Returns once `holds` for the metric."""
    async with asyncio.timeout(60):
        while not holds(await metric(server, name)):
            await asyncio.sleep(0.01)


async def metric(server: TritonServer, name: str) -> float:
    def metrics() -> str:
        with urllib.request.urlopen(server.metrics_url) as answer:
            return str(answer.read().decode())

    return next(float(line.split()[1]) for line in (await asyncio.to_thread(metrics)).splitlines() if name in line)


def memory_of_workers() -> set[str]:
    return {file.name for file in Path("/dev/shm").glob("lipstage-*") if not file.name.startswith("lipstage-triton-")}
