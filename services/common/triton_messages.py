"""Arrays to and from Triton inside gRPC messages, each as raw bytes once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import np_to_triton_dtype

from services.common.ports import Arrays, ModelName

Outputs = dict[str, NDArray[np.float32]]


class MessageCarrier:
    """Works wherever Triton can be reached. The arrays it returns are read-only."""

    def __init__(self, client: InferenceServerClient) -> None:
        self._client = client

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...], deadline_s: float
    ) -> Outputs:
        """Cancels the call in Triton too when the caller is canceled. Raises InferenceServerException."""
        result = await self._client.infer(
            model,
            [_in_message(name, array) for name, array in inputs.items()],
            variant,
            outputs=[InferRequestedOutput(name) for name in outputs],
            client_timeout=deadline_s,
        )
        return {name: result.as_numpy(name) for name in outputs}

    async def close(self) -> None:
        """Nothing is held."""


def declared_input(name: str, array: NDArray[Any]) -> InferInput:
    """An input's name, type and shape, still without its bytes.

    Triton knows no inputs that are nothing but a batch: [B] is declared as [B, 1], and the network gets [B].
    """
    shape = array.shape if array.ndim > 1 else (*array.shape, 1)
    return InferInput(name, list(shape), np_to_triton_dtype(array.dtype))


def _in_message(name: str, array: NDArray[Any]) -> InferInput:
    declared = declared_input(name, array)
    return declared.set_data_from_numpy(array.reshape(declared.shape()))
