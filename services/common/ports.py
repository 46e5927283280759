"""The four ports: the only places where a stage touches the world.

The embedded composition root binds them to memory, a folder, memory and in-process ONNX Runtime;
production binds them to JetStream, S3, a JetStream key-value bucket and Triton.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from services.common.messages import FacesAnswer, FacesQuestion, JobEvent, JobRecord, Task
from services.common.questions import Answer

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
    """One task taken from the bus under a lease. It comes back to some worker unless it is acknowledged or buried."""

    task: Task
    attempt: int
    """1 for the first worker that gets the task."""
    waited_s: float
    """How long the task had been queued."""
    trace: Mapping[str, str]
    """Trace context of whoever published the task (W3C headers)."""

    async def ack(self) -> None: ...
    async def nack(self, delay_s: float = 0.0) -> None:
        """Hands the task back, to be taken again `delay_s` from now at the earliest."""
        ...

    async def extend(self) -> None:
        """Begins the lease anew."""
        ...

    async def bury(self, reason: str) -> None:
        """Gives the task up: it is kept aside for people to look at and is not delivered again."""
        ...


class Bus(Protocol):
    """Carries intent: work queues with leases and explicit acknowledgement, job events, and questions.

    Every method raises Unavailable when the broker cannot be reached.
    """

    async def publish(self, task: Task) -> None:
        """Queues `task` unless one of the same `task.key` is unfinished; may wait while the queue is full."""
        ...

    def consume(self, queue: str, closing: asyncio.Event | None = None) -> AsyncIterator[Delivery]:
        """Tasks, one at a time, shared with all other consumers of the queue; ends once `closing` is set.

        Once it has begun, it waits out a broker that is away.
        """
        ...

    async def announce(self, event: JobEvent) -> None:
        """Tells a stage's progress, which nobody may hear, or, without a stage, the job's end.

        The first end that is announced is told, once; progress does not wait for a broker that is away.
        """
        ...

    def events(self, job_id: str) -> AbstractAsyncContextManager[AsyncIterator[JobEvent]]:
        """The job's progress from the moment the context is entered, and last its end, also if it was told before.

        Once it has begun, it waits out a broker that is away; what is told meanwhile but for the end may be missed.
        """
        ...

    async def ask(self, question: FacesQuestion) -> FacesAnswer:
        """Waits for the answer of one of those who answer; nothing of it is kept.

        Raises Unavailable also when nobody answers, at once when nobody is there to, and what the answerer raised.
        """
        ...

    def answering(self, answer: Answer) -> AbstractAsyncContextManager[None]:
        """`answer` is given questions, shared with all others who answer, any number at once, while the context lasts.

        At its end those in hand are waited for. While a broker is away, none comes.
        """
        ...


class MediaStore(Protocol):
    """Holds the truth: immutable objects, written once under a name derived from their inputs.

    Every method raises Unavailable when the store cannot be reached.
    """

    @property
    def scratch(self) -> Path:
        """A folder of this process for files that are being written; `put_file` takes them from there."""
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Writing a name that exists is harmless and changes nothing. Raises DiskFull."""
        ...

    async def put_file(self, name: str, path: Path) -> None:
        """Like `put`; a file from `scratch` is gone afterwards, any other stays as it is."""
        ...

    async def get(self, name: str) -> bytes:
        """Raises ObjectMissing."""
        ...

    def local(self, name: str) -> AbstractAsyncContextManager[Path]:
        """A readable file with the object's content for as long as the context lasts. Raises ObjectMissing."""
        ...

    async def exists(self, name: str) -> bool: ...
    async def delete(self, name: str) -> None: ...
    async def delete_folder(self, folder: str) -> None:
        """Removes every object whose name begins with `folder`, which ends in a slash."""
        ...

    def children(self, folder: str) -> AsyncIterator[str]:
        """Full names of what lies right below `folder`, which ends in a slash; names of sub-folders end in one too."""
        ...


class JobStore(Protocol):
    """Job records under compare-and-set. Every method raises Unavailable when the store cannot be reached."""

    async def create(self, record: JobRecord) -> None:
        """Raises StaleRecord when there is such a job."""
        ...

    async def get(self, job_id: str) -> tuple[JobRecord, int]:
        """The newest record and its revision. Raises ObjectMissing."""
        ...

    async def update(self, record: JobRecord, revision: int) -> int:
        """Raises StaleRecord when another writer was first."""
        ...

    def records(self) -> AsyncIterator[tuple[JobRecord, int]]:
        """Every job's newest record and its revision, in no order."""
        ...
