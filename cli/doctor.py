"""`lipstage doctor`: what this machine can run, and which variant to choose."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import av
import onnxruntime as ort
from rich.table import Table

from cli.console import console, say
from cli.variants import NUMBERS, recommended_variant
from services.common.errors import FetchFailed
from services.common.ports import NETWORKS
from services.common.settings import Settings
from services.preprocess.faces.fetch import verify


def doctor() -> None:
    """Says what this machine can run and which variant to choose."""
    settings = Settings()
    gpus = graphics_cards()
    table = Table("what", "found", show_header=False)
    table.add_row("Python", platform.python_version())
    table.add_row("processor", f"{os.cpu_count()} cores, {platform.machine()}")
    table.add_row("graphics cards", ", ".join(f"{name} ({gib:.0f} GiB)" for name, gib in gpus) or "none")
    table.add_row("ONNX Runtime", f"{ort.__version__} with {', '.join(ort.get_available_providers())}")
    encoders = [codec for codec in ("libx264", "libx265", "aac") if codec in av.codecs_available]
    table.add_row("encoders", ", ".join(encoders))
    table.add_row("face detector", _face_detector(settings.faces_dir))
    table.add_row("variants", ", ".join(installed_variants(settings.models_dir)) or "none")
    table.add_row("free disk", f"{_free_gib(settings.work_dir):.0f} GiB for work in progress")
    console.print(table)
    advice = recommended_variant(max((gib for _, gib in gpus), default=0.0))
    say(f"Recommended: --variant {advice}")
    if advice not in installed_variants(settings.models_dir):
        say(f"It is not installed yet: lipstage weights pull {advice}")
    if gpus and "CUDAExecutionProvider" not in ort.get_available_providers():
        say("There is a graphics card, but ONNX Runtime cannot use it: install the `gpu` extra.")


def installed_variants(models_dir: Path) -> list[str]:
    """Variants of which every network is in the model repository."""
    names = {number: name for name, number in NUMBERS.items() if name != number}
    return [
        name
        for number, name in sorted(names.items())
        if all((models_dir / network / number / "model.onnx").is_file() for network in NETWORKS)
    ]


def graphics_cards() -> list[tuple[str, float]]:
    """Name and memory, GiB, of each NVIDIA card; empty without a driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    rows = [line.rsplit(",", 1) for line in answer.stdout.splitlines() if "," in line]
    return [(name.strip(), float(mib) / 1024) for name, mib in rows]


def _face_detector(directory: Path) -> str:
    try:
        verify(directory)
    except FetchFailed as error:
        return f"{error} (lipstage weights pull faces)"
    return "ready"


def _free_gib(folder: Path) -> float:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free / 2**30
