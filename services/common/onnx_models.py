"""The embedded models adapter: ONNX Runtime in this process."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.common.errors import ModelError, ModelMissing, WrongVariant
from services.common.ports import Arrays, ModelCard, ModelName

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort


class OnnxModels:
    """Models port over `model_repository/<model>/<variant>/model.onnx`; sessions open on first use and stay open.

    Uses CUDA when the installed ONNX Runtime offers it, else the CPU.
    """

    def __init__(self, repository: Path, threads: int = 0) -> None:
        self._repository = repository
        self._options = ort.SessionOptions()
        self._options.intra_op_num_threads = threads
        # Idle spinning would take cores from decoding and encoding, which run beside the networks.
        self._options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._sessions: dict[tuple[str, str], ort.InferenceSession] = {}
        self._opening = threading.Lock()

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        return await asyncio.to_thread(self._run, model, variant, inputs, outputs)

    async def card(self, model: ModelName, variant: str) -> ModelCard:
        session = await asyncio.to_thread(self._session, model, variant)
        return _card(model, session)

    def _run(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        session = self._session(model, variant)
        try:
            values: list[Any] = session.run(list(outputs), dict(inputs))
        except Exception as error:  # ONNX Runtime raises bare classes of its own, one per status code
            raise ModelError(f"{model} (variant {variant}) failed: {error}", model=model, variant=variant) from error
        return dict(zip(outputs, values, strict=True))

    def _session(self, model: ModelName, variant: str) -> ort.InferenceSession:
        with self._opening:
            if (model, variant) not in self._sessions:
                self._sessions[model, variant] = self._open(model, variant)
            return self._sessions[model, variant]

    def _open(self, model: ModelName, variant: str) -> ort.InferenceSession:
        path = self._repository / model / variant / "model.onnx"
        if not path.is_file():
            raise ModelMissing(
                f"There is no {model} of variant {variant} here; "
                "see `lipstage weights list` for the variants of this machine.",
                model=model,
                variant=variant,
            )
        available = ort.get_available_providers()
        providers = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in available]
        try:
            session = ort.InferenceSession(path, self._options, providers=providers)
        except Exception as error:
            raise ModelError(f"{path} cannot be loaded: {error}", model=model, variant=variant) from error
        recorded = _card(model, session).variant
        if recorded != variant:
            raise WrongVariant(
                f"{path} was exported as variant {recorded or 'unknown'}, not as variant {variant}.",
                model=model,
                recorded=recorded,
                variant=variant,
            )
        return session


def recorded_card(model: ModelName, path: Path) -> ModelCard:
    """What an exported network says about itself. Raises ModelError."""
    try:
        return _card(model, ort.InferenceSession(path, providers=["CPUExecutionProvider"]))
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded: {error}", model=model) from error


def _card(model: ModelName, session: ort.InferenceSession) -> ModelCard:
    properties = session.get_modelmeta().custom_metadata_map
    return ModelCard(
        name=model,
        variant=properties.get("lipstage.variant", ""),
        resolution=int(properties.get("lipstage.resolution", "0")),
        source_sha256=properties.get("lipstage.source_sha256", ""),
        exporter_version=properties.get("lipstage.exporter_version", ""),
        note=properties.get("lipstage.note", ""),
    )
