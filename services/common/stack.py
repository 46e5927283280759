"""The production composition root: the four ports over JetStream, S3 and Triton."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.common.errors import LipstageError
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.nats_connection import Connection
from services.common.s3_media_store import S3MediaStore
from services.common.stack_settings import StackSettings
from services.common.triton_models import TritonModels

_PAUSE_S = 0.25


@dataclass(frozen=True)
class Stack:
    settings: StackSettings
    nats: Connection
    bus: JetStreamBus
    jobs: JetStreamJobStore
    media: S3MediaStore
    models: TritonModels

    async def trouble(self, variants: Sequence[str] = ()) -> str:
        """Why work cannot be done now, in one sentence; empty when it can."""
        try:
            await self.nats.check()
            await self.media.check()
            for variant in variants:
                await self.models.check(variant)
        except LipstageError as error:
            return str(error)
        return ""
