"""Regions of shared memory that Triton has mapped."""

import itertools
import os
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from services.common.errors import DiskFull
from services.common.memory_owner import FOLDER, MemoryOwner, ended_owners

_DEADLINE_S: Final = 10.0


class Regions:
    """As many regions as are in use at once, each as large as what was asked of it."""

    def __init__(self, client: InferenceServerClient) -> None:
        self._client = client
        self._owner = MemoryOwner()
        self._looked_for_ended = False
        self._numbers = itertools.count()
        self._idle: list[SharedMemory] = []

    async def take(self, size_bytes: int) -> tuple[SharedMemory, bool]:
        """A region for the caller alone, and whether Triton has only now been told of it.

        Raises DiskFull where /dev/shm has no room; InferenceServerException.
        """
        large_enough = [region for region in self._idle if region.size >= size_bytes]
        if large_enough:
            region = min(large_enough, key=lambda region: region.size)
            self._idle.remove(region)
            return region, False
        if self._idle:
            await self._release(self._idle.pop())
        if not self._looked_for_ended:
            await self._release_of_ended_processes()
            self._looked_for_ended = True
        region = _allocated(f"{self._owner.name}-{next(self._numbers)}", size_bytes)
        try:
            await self._client.register_system_shared_memory(
                region.name, f"/{region.name}", region.size, client_timeout=_DEADLINE_S
            )
        except BaseException:
            discard(region)
            raise
        return region, True

    def give_back(self, region: SharedMemory) -> None:
        """Only once Triton has answered the call the region was taken for: until then it may write there."""
        self._idle.append(region)

    async def close(self) -> None:
        while self._idle:
            await self._release(self._idle.pop())
        self._owner.close()

    async def _release(self, region: SharedMemory) -> None:
        with suppress(InferenceServerException):  # a Triton that is gone has nothing mapped
            await self._client.unregister_system_shared_memory(region.name, client_timeout=_DEADLINE_S)
        discard(region)

    async def _release_of_ended_processes(self) -> None:
        status = await self._client.get_system_shared_memory_status(client_timeout=_DEADLINE_S)
        for owner in ended_owners():
            for name in status.regions:
                if name.startswith(owner):
                    await self._client.unregister_system_shared_memory(name, client_timeout=_DEADLINE_S)
            for file in FOLDER.glob(f"{owner}-*"):
                file.unlink(missing_ok=True)


def discard(region: SharedMemory) -> None:
    """Gives the memory up on this side; Triton has it mapped until it is told otherwise."""
    region.close()
    with suppress(FileNotFoundError):  # some systems clear /dev/shm by themselves
        region.unlink()


def _allocated(name: str, size_bytes: int) -> SharedMemory:
    region = SharedMemory(name, create=True, size=size_bytes)
    try:
        # Pages are found now: where there is no room, writing to them later would end the process.
        with (FOLDER / name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
    except OSError as error:
        discard(region)
        raise DiskFull(
            f"There is no room for {size_bytes} bytes in {FOLDER}, through which networks get their inputs."
        ) from error
    return region
