"""Peak memory of each worker process over one long video, on the real servers.

    python -m bench.worker_memory [MINUTES]

Starts the whole local stack in a folder of its own, dubs a generated 1080p video with the demo model in one denoising
step, and prints the peak resident memory of every worker as the system counted it. Ten minutes of video take the better
part of an hour on two cores.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.long_clip import write_long_clip
from services.local.stack import LocalStack

MINUTES = 10
PARAMETERS = ("--variant", "1", "--steps", "1", "--guidance", "1", "--preset", "ultrafast")


def main() -> None:
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    table = Table("worker", f"peak memory over {minutes} min of 1080p, MiB")
    with tempfile.TemporaryDirectory() as folder:
        video, audio = write_long_clip(Path(folder), minutes)
        with LocalStack(Path(folder) / "stack", say=print) as stack:
            command = [sys.executable, "-c", "from cli.main import run; run()", "dub", str(video), str(audio)]
            command += ["-o", str(Path(folder) / "out.mp4"), *PARAMETERS, "--via", stack.nats.url]
            subprocess.run(command, check=True, env={**os.environ, **stack.environment})
            for worker in stack.workers.values():
                table.add_row(worker.name, f"{_peak_mib(worker.pid):.0f}")
    Console().print(table)


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
