"""Keeps some of the inputs the networks really get, as test cases for engines built from them."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from services.common.ports import Arrays, ModelCard, ModelName, Models

CASES_PER_NETWORK = 5


class CapturingModels:
    """Models port around another: remembers the 1st, 2nd, 4th, 8th and 16th inputs of every network."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._calls: Counter[str] = Counter()
        self._captured: dict[str, NDArray[np.generic]] = {}

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        self._calls[model] += 1
        call = self._calls[model]
        if call in (2**case for case in range(CASES_PER_NETWORK)):
            self._captured |= {f"{model}/{call}/{name}": np.array(array) for name, array in inputs.items()}
        return await self._models.infer(model, variant, inputs, outputs)

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        return await self._models.card(model, variant)

    def save(self, path: Path) -> None:
        """Writes `path` as `python -m export tensorrt` reads it: safetensors under <network>/<call>/<input>."""
        save_file({name: np.ascontiguousarray(array) for name, array in self._captured.items()}, path)
