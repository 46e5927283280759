"""A process that may have been taken over by what it reads: it says little, within a time, and is gone afterwards."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.common.errors import Unavailable

TOO_LONG: Final = -signal.SIGALRM
"""Instead of an exit status."""


async def output_of(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, within_s: float, max_bytes: int
) -> tuple[bytes, int]:
    """What the process writes to its standard output, and its exit status; a signal's is negative.

    After `within_s` or `max_bytes` it is killed, with what it started, and its output is cut. Raises Unavailable when
    it cannot be started.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, output = await loop.subprocess_exec(
            lambda: _Output(max_bytes),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable("No process can be started to examine media.") from error
    try:
        async with asyncio.timeout(within_s):
            await output.ended.wait()
    except TimeoutError:
        return b"", TOO_LONG
    else:
        return bytes(output.received), transport.get_returncode() or 0
    finally:
        if transport.get_returncode() is None:
            with suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
        # Whoever else still holds the other end of the pipe is not waited for.
        transport.close()
        await output.exited.wait()


class _Output(asyncio.SubprocessProtocol):
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.received = bytearray()
        self.ended = asyncio.Event()
        """There is nothing more to come, or too much came."""
        self.exited = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.received += data[: self._max_bytes - len(self.received)]
        if len(self.received) == self._max_bytes:
            self.ended.set()

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
