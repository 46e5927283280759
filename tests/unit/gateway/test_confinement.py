"""What a process can no longer do once it is confined."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

_PRELUDE = """
import ctypes, json, os, socket, sys
from gateway.confinement import confine

def outcome(attempt):
    try:
        return attempt()
    except (OSError, MemoryError) as error:
        return type(error).__name__

def write(path):
    with open(path, "wb", buffering=0) as file:
        file.write(b"x")

if os.fork() == 0:
    unshare = ctypes.CDLL(None).unshare
    os._exit(unshare(0x50000000) != 0 and unshare(0x40000000) != 0)
can_leave_the_network = os.wait()[1] == 0
confine(memory_bytes=1 << 30, cpu_s=1, wall_s=20)
"""

_ATTEMPTS = """
path, port = sys.argv[1], int(sys.argv[2])
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
said = {
    "can leave the network": can_leave_the_network,
    "connects": outcome(lambda: socket.create_connection(("127.0.0.1", port), 5) and True),
    "writes": outcome(lambda: write(path + ".new")),
    "takes memory": outcome(lambda: len(bytearray(1 << 30))),
    "new privileges": status["NoNewPrivs"].strip(),
}
media = open(path)
said |= {
    "reads": media.read(),
    "opens a second file": outcome(lambda: open(path) and True),
    "opens a socket": outcome(lambda: socket.socket() and True),
}
print(json.dumps(said))
"""


def test_it_reads_one_file_and_does_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("content")
    with socket.create_server(("127.0.0.1", 0)) as server:
        run = _run(_ATTEMPTS, str(path), str(server.getsockname()[1]))
    said = json.loads(run.stdout)

    assert said.pop("connects") == ("OSError" if said.pop("can leave the network") else True)
    assert said == {
        "writes": "OSError",
        "takes memory": "MemoryError",
        "new privileges": "1",
        "reads": "content",
        "opens a second file": "OSError",
        "opens a socket": "OSError",
    }


def test_its_time_is_limited_by_the_system() -> None:
    run = _run("while True: pass")

    assert run.returncode in (-signal.SIGKILL, -signal.SIGXCPU)


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PRELUDE + script, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
