"""The production composition root: the four ports over JetStream, S3 and Triton."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.common.errors import LipstageError, Unavailable
from services.common.jetstream_bus import JetStreamBus
from services.common.jetstream_job_store import JetStreamJobStore
from services.common.nats_connection import Connection, nats_connection
from services.common.s3_client import S3Access
from services.common.s3_media_store import S3MediaStore, s3_media_store
from services.common.stack_settings import StackSettings
from services.common.triton_models import TritonModels

_LOOK_S = 0.25


@dataclass(frozen=True)
class Stack:
    settings: StackSettings
    nats: Connection
    bus: JetStreamBus
    jobs: JetStreamJobStore
    media: S3MediaStore
    models: TritonModels

    async def check(self, variants: Sequence[str] = ()) -> None:
        """Raises the error that tells why work cannot be done now; returns when it can."""
        await self.nats.check()
        await self.media.check()
        for variant in variants:
            await self.models.check(variant)

    async def trouble(self, variants: Sequence[str] = ()) -> str:
        """What `check` raises, as a sentence; empty when work can be done."""
        try:
            await self.check(variants)
        except LipstageError as error:
            return str(error)
        return ""


@asynccontextmanager
async def connected(settings: StackSettings, name: str, variants: Sequence[str] = ()) -> AsyncIterator[Stack]:
    """Connects to every server and waits until all can be used, and the networks of `variants` too.

    `name` is what NATS shows of the connection. Raises Unavailable after `settings.start_timeout_s`, and at once what
    waiting cannot mend: Unauthorized, ModelMissing, WrongVariant.
    """
    password = settings.nats_password.get_secret_value()
    nats = nats_connection(settings.nats_url, settings.nats_user, password, name, settings.start_timeout_s)
    models = TritonModels(settings.triton_url, shared_memory=settings.triton_shared_memory)
    store = s3_media_store(s3_access(settings), settings.scratch_dir, settings.cache_bytes)
    async with nats as connection, store as media, models:
        bus, jobs = JetStreamBus(connection), JetStreamJobStore(connection)
        stack = Stack(settings, connection, bus, jobs, media, models)
        await _all_there(stack, variants)
        yield stack


def s3_access(settings: StackSettings) -> S3Access:
    secret = settings.s3_secret_key.get_secret_value()
    return S3Access(settings.s3_url, settings.s3_bucket, settings.s3_access_key, secret, settings.s3_region)


async def _all_there(stack: Stack, variants: Sequence[str]) -> None:
    deadline_s = asyncio.get_running_loop().time() + stack.settings.start_timeout_s
    while True:
        try:
            return await stack.check(variants)
        except Unavailable:
            if asyncio.get_running_loop().time() > deadline_s:
                raise
        await asyncio.sleep(_LOOK_S)
