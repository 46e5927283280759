"""The shell around every stage: take a task, run it, publish what follows, acknowledge."""

import logging
from collections.abc import Awaitable, Callable

from services.common.errors import LipstageError
from services.common.messages import JobRecord, Task
from services.common.ports import Bus, JobStore
from services.common.progress import fail

log = logging.getLogger(__name__)

Handle = Callable[[Task, JobRecord], Awaitable[None]]


async def work(queue: str, handle: Handle, bus: Bus, jobs: JobStore) -> None:
    """Serves `queue` until canceled. A task of a job that has ended is dropped; a task that fails ends its job."""
    async for delivery in bus.consume(queue):
        record, _ = await jobs.get(delivery.task.job_id)
        if not record.ended:
            try:
                await handle(delivery.task, record)
            except LipstageError as error:
                await fail(jobs, bus, record.id, error)
            except Exception as error:
                log.exception("task %s failed", delivery.task.key)
                sentence = f"An unexpected error ended the job: {type(error).__name__}: {error}"
                await fail(jobs, bus, record.id, LipstageError(sentence))
        await delivery.ack()
