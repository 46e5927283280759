"""Arrays to and from Triton through memory that both have mapped, where both run on one machine.

Only between processes that trust each other: whoever may register memory reads and writes it. Triton must run as the
same user, see the same /dev/shm, and allow it (`--allow-client-shm` in newer releases).
"""

import asyncio
from collections.abc import Mapping
from multiprocessing.shared_memory import SharedMemory
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from services.common.ports import Arrays, ModelName
from services.common.triton_messages import Outputs, declared_input
from services.common.triton_regions import Regions, discard

_ALIGNMENT_BYTES: Final = 64
_ANSWERED: Final = ("StatusCode.NOT_FOUND", "StatusCode.INVALID_ARGUMENT", "StatusCode.INTERNAL")


class SharedMemoryCarrier:
    def __init__(self, client: InferenceServerClient) -> None:
        self._client = client
        self._regions = Regions(client)
        self._output_bytes: dict[tuple[object, ...], dict[str, int]] = {}
        self._running: set[asyncio.Task[Outputs]] = set()

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...], deadline_s: float
    ) -> Outputs:
        """A canceled caller returns at once, but its call runs to the end: until then Triton may use the region.

        Raises InferenceServerException; DiskFull where /dev/shm is too small.
        """
        call = asyncio.create_task(self._infer(model, variant, inputs, outputs, deadline_s))
        self._running.add(call)
        call.add_done_callback(self._ended)
        return await asyncio.shield(call)

    async def close(self) -> None:
        """Gives up the calls that still run, and all memory."""
        for call in self._running:
            call.cancel()
        if self._running:
            await asyncio.wait(self._running)
        await self._regions.close()

    async def _infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...], deadline_s: float
    ) -> Outputs:
        # How large the outputs get is known once such a call was answered; until then they come inside a message.
        kind = (model, variant, outputs, *(array.shape for array in inputs.values()))
        while True:
            output_bytes = self._output_bytes.get(kind, {})
            places = _Places(inputs, output_bytes)
            region, is_new = await self._regions.take(places.end)
            try:
                result = await self._client.infer(
                    model,
                    places.filled_inputs(region, inputs),
                    variant,
                    outputs=[places.requested_output(region, name) for name in outputs],
                    client_timeout=deadline_s,
                )
            except BaseException as error:
                status = error.status() if isinstance(error, InferenceServerException) else ""
                if status == "StatusCode.NOT_FOUND" and not is_new:
                    discard(region)  # Triton was started anew and knows the old ones no more
                    continue
                if status in _ANSWERED:
                    self._regions.give_back(region)
                else:
                    discard(region)
                if status == "StatusCode.INTERNAL" and output_bytes:
                    del self._output_bytes[kind]  # perhaps the outputs have outgrown their places
                    continue
                raise
            arrays = {name: places.output(region, name, result) for name in outputs}
            self._regions.give_back(region)
            self._output_bytes[kind] = {name: array.nbytes for name, array in arrays.items()}
            return arrays

    def _ended(self, call: asyncio.Task[Outputs]) -> None:
        self._running.discard(call)
        if not call.cancelled():
            call.exception()  # a caller that was canceled does not ask for it


class _Places:
    """Where in a region the arrays of one call lie; outputs of unknown size have no place."""

    def __init__(self, inputs: Arrays, output_bytes: Mapping[str, int]) -> None:
        self.end = 0
        self._output_bytes = output_bytes
        self._inputs = {name: self._next(array.nbytes) for name, array in inputs.items()}
        self._outputs = {name: self._next(size) for name, size in output_bytes.items()}

    def filled_inputs(self, region: SharedMemory, inputs: Arrays) -> list[InferInput]:
        declared = []
        for name, offset in self._inputs.items():
            array = inputs[name]
            np.ndarray(array.shape, array.dtype, region.buf, offset)[...] = array
            declared.append(declared_input(name, array).set_shared_memory(region.name, array.nbytes, offset))
        return declared

    def requested_output(self, region: SharedMemory, name: str) -> InferRequestedOutput:
        requested = InferRequestedOutput(name)
        if name in self._outputs:
            requested.set_shared_memory(region.name, self._output_bytes[name], self._outputs[name])
        return requested

    def output(self, region: SharedMemory, name: str, result: InferResult) -> NDArray[np.float32]:
        """A copy: the region is used again."""
        if name not in self._outputs:
            array: NDArray[np.float32] = result.as_numpy(name)
            return array
        declared = result.get_output(name)
        dtype = triton_to_np_dtype(declared.datatype)
        in_place: NDArray[np.float32] = np.ndarray(list(declared.shape), dtype, region.buf, self._outputs[name])
        return in_place.copy()

    def _next(self, size_bytes: int) -> int:
        offset = -(-self.end // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        self.end = offset + size_bytes
        return offset
