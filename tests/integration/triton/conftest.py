"""A real Triton over the model repository, shared by all tests here."""

from collections.abc import AsyncIterator, Iterator

import pytest
from network_calls import RandomCalls

from services.common.onnx_models import OnnxModels
from services.common.settings import Settings
from services.common.triton_models import TritonModels
from services.local.processes import free_port
from services.triton.server import TritonServer


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    log = tmp_path_factory.mktemp("triton") / "triton.log"
    server = TritonServer(Settings().models_dir, grpc_port=free_port(), metrics_port=free_port(), log=log)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["messages", "shared memory"])
async def models(triton: TritonServer, request: pytest.FixtureRequest) -> AsyncIterator[TritonModels]:
    async with TritonModels(triton.url, shared_memory=request.param == "shared memory") as models:
        yield models


@pytest.fixture(scope="module")
def embedded() -> OnnxModels:
    return OnnxModels(Settings().models_dir)


@pytest.fixture
def calls() -> RandomCalls:
    return RandomCalls(seed=1)
