"""The four ports: the only places where a stage touches the world.

The embedded composition root binds them to memory, a folder, memory and in-process ONNX Runtime;
production binds them to JetStream, S3, a JetStream key-value bucket and Triton.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from services.common.messages import JobEvent, JobRecord, Task

Arrays = Mapping[str, NDArray[Any]]
ModelName = Literal["whisper_encoder", "vae_encoder", "vae_decoder", "unet", "unet_cached"]
NETWORKS: tuple[ModelName, ...] = get_args(ModelName)


@dataclass(frozen=True)
class ModelCard:
    """What an exported network says about itself (its ONNX metadata properties)."""

    name: str
    variant: str
    resolution: int
    """Side of the square face the variant was trained on, px."""
    source_sha256: str
    exporter_version: str
    note: str = ""
    """One line a user should see before trusting the result; empty for trained weights."""


class Models(Protocol):
    """Runs a network. Inputs and outputs are float32 arrays under the names of the exported graph."""

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        """Raises ModelMissing, WrongVariant or ModelError."""
        ...

    async def card(self, model: ModelName, variant: str) -> ModelCard: ...


class Delivery(Protocol):
    """One task taken from the bus. It comes back to another worker unless it is acknowledged."""

    task: Task

    async def ack(self) -> None: ...
    async def nack(self) -> None: ...


class Bus(Protocol):
    """Carries intent: work queues with explicit acknowledgement, and job events."""

    async def publish(self, task: Task) -> None:
        """Queues `task` once per `task.key`; waits while the queue is full."""
        ...

    def consume(self, queue: str) -> AsyncIterator[Delivery]: ...
    async def announce(self, event: JobEvent) -> None: ...
    def events(self, job_id: str) -> AsyncIterator[JobEvent]:
        """Events of the job from the moment of the call on."""
        ...


class MediaStore(Protocol):
    """Holds the truth: immutable objects, written once under a name derived from their inputs."""

    async def put(self, name: str, data: bytes) -> None:
        """Writing a name that exists is harmless and changes nothing. Raises DiskFull."""
        ...

    async def put_file(self, name: str, path: Path) -> None: ...
    async def get(self, name: str) -> bytes:
        """Raises ObjectMissing."""
        ...

    async def local_path(self, name: str) -> Path:
        """A readable file with the object's content. Raises ObjectMissing."""
        ...

    async def exists(self, name: str) -> bool: ...
    async def delete(self, name: str) -> None: ...


class JobStore(Protocol):
    """Job records under compare-and-set."""

    async def create(self, record: JobRecord) -> None: ...
    async def get(self, job_id: str) -> tuple[JobRecord, int]: ...
    async def update(self, record: JobRecord, revision: int) -> int:
        """Raises StaleRecord when another writer was first."""
        ...
