"""The local Triton server: how it starts, what keeps it from starting, and that nothing of it stays behind."""

import shutil
import sysconfig
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from services.common.errors import LipstageError, Unavailable
from services.common.settings import Settings
from services.local.processes import free_port
from services.triton.server import TritonServer
from services.triton.server_root import ENVIRONMENT, installed


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The smallest network alone."""
    shutil.copytree(Settings().models_dir / "whisper_encoder", tmp_path / "models/whisper_encoder")
    return tmp_path / "models"


@pytest.fixture
def server(repository: Path) -> Iterator[TritonServer]:
    log = repository.with_name("triton.log")
    server = TritonServer(repository, grpc_port=free_port(), metrics_port=free_port(), log=log)
    yield server
    server.kill()


@pytest.mark.parametrize("end", [TritonServer.stop, TritonServer.kill])
def test_a_server_that_has_ended_leaves_nothing_behind(
    server: TritonServer, repository: Path, end: Callable[[TritonServer], None]
) -> None:
    before = shared_memory()
    server.start()
    assert processes_of(repository)
    assert shared_memory() > before

    end(server)

    assert processes_of(repository) == []
    assert shared_memory() <= before


def test_a_damaged_network_is_named(server: TritonServer, repository: Path) -> None:
    (repository / "whisper_encoder/1/model.onnx").write_bytes(b"not a graph")

    with pytest.raises(Unavailable, match="failed to load 'whisper_encoder' version 1"):
        server.start()

    assert processes_of(repository) == []


def test_numpy_2_beside_triton_is_refused(repository: Path, tmp_path: Path) -> None:
    log, ports = tmp_path / "triton.log", {"grpc_port": free_port(), "metrics_port": free_port()}
    server = TritonServer(repository, **ports, log=log, environment=environment_with_numpy_2(tmp_path / "environment"))

    with pytest.raises(Unavailable, match=r"NumPy 2\..* is installed beside Triton"):
        server.start()


def test_a_server_that_takes_too_long_is_ended(server: TritonServer, repository: Path) -> None:
    with pytest.raises(Unavailable, match="not ready after 0 s"):
        server.start(within_s=0.1)

    assert processes_of(repository) == []


def test_without_triton_it_says_what_installs_it(repository: Path, tmp_path: Path) -> None:
    server = TritonServer(repository, grpc_port=free_port(), metrics_port=free_port(), environment=tmp_path / "none")

    with pytest.raises(LipstageError, match="make up"):
        server.start()


def environment_with_numpy_2(folder: Path) -> Path:
    """Triton as it is installed, beside the NumPy and ONNX Runtime of this process."""
    venv.create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    for triton in ("pytriton", "nvidia_pytriton.libs"):
        (packages / triton).symlink_to(installed(ENVIRONMENT).packages / triton)
    for own in ("numpy", "numpy.libs", "onnxruntime"):
        (packages / own).symlink_to(Path(sysconfig.get_path("purelib"), own))
    return folder


def processes_of(repository: Path) -> list[str]:
    """Command lines that name the repository: the server's and the backend's."""
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(repository) in command]


def shared_memory() -> set[str]:
    return {file.name for file in Path("/dev/shm").glob("lipstage-triton-*")}
