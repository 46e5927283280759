"""Jobs of a running stack, for the commands in jobs.py; needs the `stack` extra."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from cli.job_summary import JobSummary, summary_of
from cli.progress_bars import ProgressBars
from cli.request import deliver_job, succeeded
from gateway.documents import Documents
from gateway.jetstream_documents import JetStreamDocuments
from services.common import new_job, progress
from services.common.errors import Canceled, InvalidParameter
from services.common.messages import DubParameters, JobRecord, Priority
from services.common.nats_connection import nats_connection
from services.common.stack import Stack, connected
from services.common.stack_settings import StackSettings, variable

T = TypeVar("T")

LOCAL_STACK = Path(".lipstage/stack/stack.env")
"""Where `make up` writes down how its stack is reached."""


def submit(via: str | None, video: Path, audio: Path, parameters: DubParameters, priority: Priority) -> JobSummary:
    return summary_of(_on_stack(via, lambda stack: _submitted(stack, video, audio, parameters, priority)))


def status(via: str | None, job: str) -> JobSummary:
    return summary_of(_on_stack(via, lambda stack: _record(stack, job)))


def watch(via: str | None, job: str, output: Path | None) -> JobSummary:
    """Shows progress until the job ends, and delivers its result if it has one and `output` is given."""

    async def work(stack: Stack) -> JobRecord:
        ended = await _followed(stack, job)
        if output and ended.state == "completed":
            await deliver_job(ended, stack.media, output)
        return ended

    return summary_of(_on_stack(via, work))


def cancel(via: str | None, job: str) -> JobSummary:
    return summary_of(_on_stack(via, lambda stack: progress.cancel(stack.jobs, stack.bus, job)))


@asynccontextmanager
async def documents(via: str | None) -> AsyncIterator[Documents]:
    """What the stack's gateway keeps."""
    settings = _settings(via)
    password = settings.nats_password.get_secret_value()
    async with nats_connection(settings.nats_url, settings.nats_user, password, "lipstage") as connection:
        yield JetStreamDocuments(connection)


def dub_via(via: str | None, video: Path, audio: Path, output: Path, parameters: DubParameters) -> JobSummary:
    """Like `dub_file`, done by a running stack."""

    async def work(stack: Stack) -> JobRecord:
        record = await _submitted(stack, video, audio, parameters)
        try:
            ended = succeeded(await _followed(stack, record.id))
        except asyncio.CancelledError:
            await progress.cancel(stack.jobs, stack.bus, record.id)
            raise
        if ended.state == "canceled":
            raise Canceled(f"Job {record.id} was canceled by somebody else.")
        await deliver_job(ended, stack.media, output)
        return ended

    return summary_of(_on_stack(via, work))


async def _submitted(
    stack: Stack, video: Path, audio: Path, parameters: DubParameters, priority: Priority = "normal"
) -> JobRecord:
    return await new_job.submit(stack.bus, stack.media, stack.jobs, stack.models, video, audio, parameters, priority)


async def _followed(stack: Stack, job: str) -> JobRecord:
    """The job's last record, once it has ended; its progress is shown meanwhile."""
    with ProgressBars() as bars:
        async with stack.bus.events(job) as events:
            record = await _record(stack, job)
            if not record.ended:
                async for event in events:
                    bars.show(event)
    return await _record(stack, job)


async def _record(stack: Stack, job: str) -> JobRecord:
    record, _ = await stack.jobs.get(job)
    return record


def _on_stack(via: str | None, work: Callable[[Stack], Coroutine[Any, Any, T]]) -> T:
    async def connected_work() -> T:
        async with connected(_settings(via), "lipstage") as stack:
            return await work(stack)

    return asyncio.run(connected_work())


def _settings(via: str | None) -> StackSettings:
    try:
        settings = StackSettings(_env_file=LOCAL_STACK)  # type: ignore[call-arg]  # the environment has the rest
    except ValidationError as error:
        missing = ", ".join(variable(wrong) for wrong in error.errors())
        raise InvalidParameter(f"To reach a stack, set {missing}, or start one here with make up.") from error
    return settings.model_copy(update={"nats_url": via} if via else {})
