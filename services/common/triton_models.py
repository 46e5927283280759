"""The production models adapter: networks hosted by Triton, over gRPC."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import MAX_GRPC_MESSAGE_SIZE
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.grpc.model_config_pb2 import ModelParameter
from tritonclient.utils import InferenceServerException

from services.common.errors import LipstageError, ModelError, ModelMissing, Unavailable, WrongVariant
from services.common.metrics import MODEL_BYTES
from services.common.model_cards import CARRIER, card_from, parameter_of
from services.common.ports import NETWORKS, Arrays, ModelCard, ModelName
from services.common.triton_messages import MessageCarrier
from services.common.triton_shared_memory import SharedMemoryCarrier

T = TypeVar("T")

_CHANNEL: Final = [
    ("grpc.max_send_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_GRPC_MESSAGE_SIZE),
    # By default a channel ends up looking only every two minutes for a server that went away.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]
_QUESTION_DEADLINE_S: Final = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


class TritonModels:
    """Models port over Triton's gRPC endpoint `url`, host:port. To be made in the event loop that uses it.

    A call is repeated for `patience_s` while Triton is away or takes no more: networks are functions, so twice is once.
    A call that is not answered within `deadline_s` is given up. Either raises Unavailable.
    """

    def __init__(
        self, url: str, *, shared_memory: bool = False, deadline_s: float = 300.0, patience_s: float = 30.0
    ) -> None:
        """`shared_memory`: Triton runs on this machine, and arrays are handed over in memory."""
        self._url, self._deadline_s, self._patience_s = url, deadline_s, patience_s
        self._client = InferenceServerClient(url, channel_args=_CHANNEL)
        self._carrier = SharedMemoryCarrier(self._client) if shared_memory else MessageCarrier(self._client)
        self._verified: set[tuple[ModelName, str]] = set()

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        """Raises ModelMissing, WrongVariant, ModelError or Unavailable; DiskFull where shared memory has no room."""
        if (model, variant) not in self._verified:
            await self.card(model, variant)
        answer = await self._patiently(
            model, variant, lambda: self._carrier.infer(model, variant, inputs, outputs, self._deadline_s)
        )
        MODEL_BYTES.labels(model, "to").inc(sum(array.nbytes for array in inputs.values()))
        MODEL_BYTES.labels(model, "from").inc(sum(array.nbytes for array in answer.values()))
        return answer

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        """Asked anew each time, for Triton may have been given other weights. A network need not be loaded for it.

        Raises ModelMissing, WrongVariant, ModelError or Unavailable.
        """
        return await self._patiently(model, variant, lambda: self._card(model, variant))

    async def check(self, variant: str) -> None:
        """Returns if all networks of the variant can be used now; raises as `infer` does, and at once."""
        model = CARRIER
        try:
            parameters = await self._parameters(variant)
            for model in NETWORKS:
                self._card_in(parameters, model, variant)
                if not await self._client.is_model_ready(model, variant, client_timeout=_QUESTION_DEADLINE_S):
                    raise self._missing(model, variant)
        except InferenceServerException as error:
            raise self._translated(model, variant, error) from error

    async def close(self) -> None:
        await self._carrier.close()
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _patiently(self, model: ModelName, variant: str, ask: Callable[[], Awaitable[T]]) -> T:
        clock = asyncio.get_running_loop().time
        give_up_s = clock() + self._patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await ask()
            except InferenceServerException as error:
                if error.status() != "StatusCode.UNAVAILABLE" or clock() + pause_s > give_up_s:
                    raise self._translated(model, variant, error) from error
                self._verified.clear()  # the server that answers next may have other networks
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _card(self, model: ModelName, variant: str) -> ModelCard:
        return self._card_in(await self._parameters(variant), model, variant)

    async def _parameters(self, variant: str) -> Mapping[str, ModelParameter]:
        """What the configuration that carries all networks' cards says."""
        answer = await self._client.get_model_config(CARRIER, variant, client_timeout=_QUESTION_DEADLINE_S)
        parameters: Mapping[str, ModelParameter] = answer.config.parameters
        return parameters

    def _card_in(self, parameters: Mapping[str, ModelParameter], model: ModelName, variant: str) -> ModelCard:
        key = parameter_of(model, variant)
        if key not in parameters:
            raise self._missing(model, variant)
        card = card_from(model, parameters[key].string_value)
        if card.variant != variant:
            raise WrongVariant(
                f"Triton at {self._url} serves a {model} of variant {card.variant or 'unknown'} as variant {variant}.",
                model=model,
                recorded=card.variant,
                variant=variant,
            )
        self._verified.add((model, variant))
        return card

    def _missing(self, model: ModelName, variant: str) -> ModelMissing:
        return ModelMissing(
            f"Triton at {self._url} serves no {model} of variant {variant}.", model=model, variant=variant
        )

    def _translated(self, model: ModelName, variant: str, error: InferenceServerException) -> LipstageError:
        match error.status():
            case "StatusCode.NOT_FOUND":
                return self._missing(model, variant)
            case "StatusCode.UNAVAILABLE" | "StatusCode.DEADLINE_EXCEEDED" | "StatusCode.CANCELLED":
                return Unavailable(f"Triton at {self._url} cannot be used: {error.message()}.", model=model)
        return ModelError(f"{model} (variant {variant}) failed: {error.message()}", model=model, variant=variant)
