"""The folders a Triton server expects around itself, made of what its own virtual environment has installed."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.common.errors import LipstageError

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-triton"
"""Made by `make up` and `make test`; apart from Lipstage's own, because Triton's Python backend needs NumPy 1."""

_ASK = """
import json, sys, sysconfig
print(json.dumps({
    "packages": sysconfig.get_path("purelib"),
    "libraries": sysconfig.get_config_var("LIBDIR"),
    "version": "%d.%d" % sys.version_info[:2],
}))
"""


@dataclass(frozen=True)
class Installed:
    """Where a virtual environment keeps Triton."""

    environment: Path
    packages: Path
    python_libraries: Path
    python_version: str

    @property
    def program(self) -> Path:
        return self.packages / "pytriton/tritonserver/bin/tritonserver"

    @property
    def variables(self) -> dict[str, str]:
        """What the server's environment must say so that its Python processes find their libraries and NumPy."""
        return {
            "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{self.python_libraries}:{self.packages / 'nvidia_pytriton.libs'}",
        }


def installed(environment: Path) -> Installed:
    """Raises LipstageError where there is no Triton."""
    python = environment / "bin/python"
    try:
        answer = json.loads(subprocess.run([python, "-c", _ASK], check=True, capture_output=True).stdout)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LipstageError(f"There is no Triton in {environment}; `make up` and `make test` install it.") from error
    found = Installed(environment, Path(answer["packages"]), Path(answer["libraries"]), answer["version"])
    if not found.program.is_file():
        raise LipstageError(f"There is no Triton in {environment}; `make up` and `make test` install it.")
    return found


def make_root(triton: Installed, root: Path) -> None:
    """Makes `root`/backends. Copies, because the server refuses backends that are links to somewhere else."""
    distribution = triton.packages / "pytriton/tritonserver"
    stub = distribution / "python_backend_stubs" / triton.python_version / "triton_python_backend_stub"
    python, onnxruntime = root / "backends/python", root / "backends/onnxruntime"
    python.mkdir(parents=True)
    for file in (*(distribution / "backends/python").glob("*.*"), stub):
        shutil.copy(file, python)
    onnxruntime.mkdir()
    shutil.copy(Path(__file__).with_name("onnxruntime_backend.py"), onnxruntime / "model.py")
