"""Memory of processes that have ended is told from memory that is in use."""

import signal
import subprocess
import sys

from services.common.memory_owner import FOLDER, MemoryOwner, ended_owners

HOLDER = """
import signal
from services.common.memory_owner import MemoryOwner
owner = MemoryOwner()
print(owner.name, flush=True)
signal.pause()
"""


def test_an_owner_that_lives_has_not_ended() -> None:
    owner = MemoryOwner()

    assert owner.name not in list(ended_owners())

    owner.close()
    assert not list(FOLDER.glob(f"{owner.name}*"))


def test_an_owner_of_a_killed_process_has_ended_and_is_told_once() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().strip()
        assert name not in list(ended_owners())
        holder.send_signal(signal.SIGKILL)

    assert name in list(ended_owners())
    assert name not in list(ended_owners())
