"""The shell around every stage: take a task, run it while its lease is extended, acknowledge or hand back."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.common import metrics
from services.common.errors import (
    DiskFull,
    InputError,
    LipstageError,
    MessageUnreadable,
    ModelError,
    ObjectMissing,
    Superseded,
    Unavailable,
)
from services.common.log_context import task_in_logs
from services.common.messages import JobRecord, Task
from services.common.ports import Bus, Delivery, JobStore
from services.common.progress import change, fail, find, with_retry
from services.common.tracing import context_of, tracer

log = logging.getLogger(__name__)

Handle = Callable[[Task, JobRecord], Awaitable[None]]

LOOK_S = 2.0
"""How often a running task's job is looked at: the longest that a canceled job goes on."""
EXTEND_S = 8.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
NOTE_S = 2.0
"""How long a task may be kept waiting so that the reason for its retry is written down."""


@dataclass(frozen=True)
class Patience:
    """How a worker meets trouble that may pass."""

    deliveries: int
    """How many workers may meet an unexpected error, or die, over one task before its job fails."""
    waits: bool
    """Whether servers that are away and full disks are waited for."""


AT_ONCE = Patience(deliveries=1, waits=False)
"""One process, one user: what goes wrong is said at once."""
ENDURING = Patience(deliveries=5, waits=True)


class Worker:
    """Serves one queue, one task at a time; run `serve` several times for several tasks at once."""

    def __init__(self, queue: str, handle: Handle, bus: Bus, jobs: JobStore, patience: Patience) -> None:
        self._queue, self._handle = queue, handle
        self._bus, self._jobs, self._patience = bus, jobs, patience

    async def serve(self, closing: asyncio.Event | None = None) -> None:
        """Takes tasks until `closing` is set or the caller cancels; a task in hand is then handed back."""
        async for delivery in self._bus.consume(self._queue, closing):
            try:
                await self._work_off(delivery)
            except Unavailable as error:
                # Whatever was not recorded comes back when the lease ends.
                log.warning("task %s is left to its lease: %s", delivery.task.key, error)

    async def _work_off(self, delivery: Delivery) -> None:
        task = delivery.task
        metrics.QUEUE_WAIT_S.labels(self._queue).observe(delivery.waited_s)
        if delivery.attempt > 1:
            metrics.REDELIVERIES.labels(self._queue).inc()
        with (
            task_in_logs(task),
            metrics.in_flight(self._queue),
            tracer.start_as_current_span(task.part, context_of(delivery.trace), attributes={"job": task.job_id}),
        ):
            try:
                await self._under_lease(delivery)
            except asyncio.CancelledError:
                with contextlib.suppress(Unavailable):  # it then comes back when the lease ends
                    await delivery.nack()
                raise
            except Superseded as error:
                log.info("task %s is dropped: %s", task.key, error)  # an acknowledgement would take the other's task
            except Unavailable:
                if self._patience.waits:
                    raise
                await self._give_up(delivery, error=Unavailable("A server that the job depends on is away."))
            except Exception as error:
                await self._went_wrong(delivery, error)
            else:
                await delivery.ack()

    async def _under_lease(self, delivery: Delivery) -> None:
        """Runs the task; extends its lease meanwhile, and stops it when its job ends."""
        running = asyncio.ensure_future(self._run(delivery))
        keeping = asyncio.ensure_future(self._keep(delivery))
        try:
            await asyncio.wait({running, keeping}, return_when=asyncio.FIRST_COMPLETED)
            await (running if running.done() else keeping)
        finally:
            keeping.cancel()
            running.cancel()
            await asyncio.wait({running, keeping})

    async def _run(self, delivery: Delivery) -> None:
        pause_s, noted = FIRST_PAUSE_S, set[str]()
        while True:
            try:
                record, _ = await self._jobs.get(delivery.task.job_id)
                if record.ended:
                    return
                if delivery.attempt > 2 * self._patience.deliveries:  # it takes its workers down with it
                    raise LipstageError(f"Its worker died {delivery.attempt - 1} times over {delivery.task.part}.")
                with metrics.timed(self._queue):
                    await self._handle(delivery.task, record)
            except (Unavailable, DiskFull) as error:
                if not self._patience.waits:
                    raise
                log.warning("task %s waits %.1f s: %s", delivery.task.key, pause_s, error)
                metrics.WAITS.labels(self._queue, error.code).inc()
                if error.code not in noted:  # once a wait, not once a round of it
                    noted.add(error.code)
                    await self._note(delivery, error)
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _keep(self, delivery: Delivery) -> None:
        """Returns when the job has ended."""
        since_extended_s = 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            since_extended_s += LOOK_S
            try:
                if since_extended_s >= EXTEND_S:
                    await delivery.extend()
                    since_extended_s = 0.0
                record, _ = await self._jobs.get(delivery.task.job_id)
            except Unavailable:
                continue
            except ObjectMissing:
                return
            if record.ended:
                return

    async def _went_wrong(self, delivery: Delivery, error: Exception) -> None:
        if isinstance(error, MessageUnreadable):
            log.error("task %s is dropped until a reconciler can read its job: %s", delivery.task.key, error)
            await delivery.ack()
            return
        record = await find(self._jobs, delivery.task.job_id)
        if record is None or record.ended:  # the rest of an ended job may miss what was cleared away
            await delivery.ack()
            return
        hopeless = isinstance(error, InputError | ModelError) or delivery.attempt >= self._patience.deliveries
        if not hopeless:
            log.warning("task %s failed and is handed back", delivery.task.key, exc_info=error)
            await self._note(delivery, error)
            await delivery.nack(delay_s=FIRST_PAUSE_S * 2**delivery.attempt)
            return
        if not isinstance(error, LipstageError):
            log.error("task %s failed", delivery.task.key, exc_info=error)
            error = LipstageError(f"An unexpected error ended the job: {type(error).__name__}: {error}")
        await self._give_up(delivery, error)

    async def _note(self, delivery: Delivery, error: Exception) -> None:
        """Writes down why the task is tried again, if that can be done at once: nothing may be lost for it."""
        reason = error.code if isinstance(error, LipstageError) else LipstageError.code
        try:
            async with asyncio.timeout(NOTE_S):
                await change(self._jobs, delivery.task.job_id, lambda record: with_retry(record, reason))
        except Exception as trouble:
            log.info("why task %s is tried again (%s) is not noted: %r", delivery.task.key, reason, trouble)

    async def _give_up(self, delivery: Delivery, error: LipstageError) -> None:
        metrics.FAILURES.labels(self._queue, error.code).inc()
        ended = await fail(self._jobs, self._bus, delivery.task.job_id, error)
        if ended.state == "failed":
            await delivery.bury(f"{error.code}: {error}")
        else:  # another worker or the user was first
            await delivery.ack()
