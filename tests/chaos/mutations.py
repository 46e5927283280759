"""Changes that break the program, to see that the simulation notices. Each is a context in which the change holds."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from services.common import object_names, progress
from services.common.errors import Superseded
from services.common.messages import JobRecord, Task
from services.common.ports import Bus, Delivery, JobStore
from services.common.progress import Edit
from services.common.reconciler import Reconciler
from services.common.worker import Worker
from services.composite import worker as composite
from services.composite.worker import Compositing
from services.denoise import worker as denoise
from services.denoise.worker import Denoising
from services.preprocess import worker as preprocess

Mutation = Callable[[], contextlib.AbstractContextManager[object]]


def no_fence() -> contextlib.AbstractContextManager[object]:
    """A worker whose claim is void goes on writing."""
    return patch.object(preprocess, "under_claim", lambda epoch, edit: edit)


def acknowledged_before_it_is_recorded() -> contextlib.AbstractContextManager[object]:
    work_off = Worker._work_off

    async def early(self: Worker, delivery: Delivery) -> None:
        await delivery.ack()
        await work_off(self, delivery)

    return patch.object(Worker, "_work_off", early)


def no_reconciler() -> contextlib.AbstractContextManager[object]:
    async def nothing(self: Reconciler) -> None:
        pass

    return patch.object(Reconciler, "scan", nothing)


def no_second_push() -> contextlib.AbstractContextManager[object]:
    """The reconciler does not queue what a job lacks."""

    async def nothing(self: Reconciler, record: JobRecord) -> None:
        pass

    return patch.object(Reconciler, "_push", nothing)


def outputs_are_not_swept() -> contextlib.AbstractContextManager[object]:
    async def nothing(self: Reconciler, jobs: set[str]) -> None:
        pass

    return patch.object(Reconciler, "_sweep_outputs", nothing)


def leases_are_not_extended() -> contextlib.AbstractContextManager[object]:
    return patch("services.common.worker.EXTEND_S", float("inf"))


def running_tasks_do_not_look_at_their_job() -> contextlib.AbstractContextManager[object]:
    return patch("services.common.worker.LOOK_S", 1000.0)


def deaths_are_not_counted() -> contextlib.AbstractContextManager[object]:
    work_off = Worker._work_off

    async def as_if_first(self: Worker, delivery: Any) -> None:
        delivery.attempt = 1
        await work_off(self, delivery)

    return patch.object(Worker, "_work_off", as_if_first)


def a_lost_race_is_an_error() -> contextlib.AbstractContextManager[object]:
    """Records are written without reading them again when another writer was first."""

    async def once(jobs: JobStore, job_id: str, edit: Edit) -> JobRecord:
        before, revision = await jobs.get(job_id)
        after = edit(before)
        if after != before:
            await jobs.update(after, revision)
        return after

    return patch.object(progress, "_replace", once)


def an_ended_job_ends_again() -> contextlib.AbstractContextManager[object]:
    async def change(jobs: JobStore, job_id: str, edit: Edit) -> JobRecord:
        return await progress._replace(jobs, job_id, edit)

    return patch.object(progress, "change", change)


def the_end_is_not_told_again() -> contextlib.AbstractContextManager[object]:
    async def nothing(jobs: JobStore, bus: Bus, record: JobRecord) -> None:
        pass

    return patch("services.common.reconciler.tell_end", nothing)


def faces_are_dropped_too_early() -> contextlib.AbstractContextManager[object]:
    """One segment is done, so the faces go, although they may reach over its end."""

    def spent(record: JobRecord, chunk: int) -> bool:
        return any(chunk in segment.chunks and segment.status == "done" for segment in record.segments.values())

    return patch.object(composite, "chunk_is_spent", spent)


def chunks_are_deleted_before_they_are_done() -> contextlib.AbstractContextManager[object]:
    store_faces = Denoising._store_faces

    async def and_delete(self: Denoising, record: JobRecord, chunk: int) -> None:
        await self._media.delete(object_names.chunk(record, chunk))
        await store_faces(self, record, chunk)

    return patch.object(Denoising, "_store_faces", and_delete)


def faces_have_the_same_name_in_all_chunks() -> contextlib.AbstractContextManager[object]:
    return patch("services.common.object_names.faces", lambda record, chunk: f"work/{record.id}/faces")


def ready_segments_are_not_queued() -> contextlib.AbstractContextManager[object]:
    return patch.object(denoise, "ready_segments", lambda record, chunk: [])


def superseded_work_is_acknowledged() -> contextlib.AbstractContextManager[object]:
    """The acknowledgement takes the task away from the worker that has it now."""
    handle = preprocess.Preprocessing.handle

    async def quiet(self: preprocess.Preprocessing, task: Task, record: JobRecord) -> None:
        with contextlib.suppress(Superseded):
            await handle(self, task, record)

    return patch.object(preprocess.Preprocessing, "handle", quiet)


def nothing_is_handed_back_when_closing() -> contextlib.AbstractContextManager[object]:
    under_lease = Worker._under_lease

    async def kept(self: Worker, delivery: Any) -> None:
        try:
            await under_lease(self, delivery)
        except asyncio.CancelledError:

            async def nothing(delay_s: float = 0.0) -> None:
                pass

            delivery.nack = nothing
            raise

    return patch.object(Worker, "_under_lease", kept)


def the_output_is_not_checked_in() -> contextlib.AbstractContextManager[object]:
    """The finish task ends without completing its job."""

    async def lost(self: Compositing, record: JobRecord) -> None:
        await self._steps.finish(record)

    return patch.object(Compositing, "_finish", lost)


def troubles_are_not_waited_for() -> contextlib.AbstractContextManager[object]:
    """A server that is away counts like any other error."""
    return patch("services.common.worker.DiskFull", KeyError)


MUTATIONS: tuple[Mutation, ...] = (
    no_fence,
    acknowledged_before_it_is_recorded,
    no_reconciler,
    no_second_push,
    outputs_are_not_swept,
    leases_are_not_extended,
    running_tasks_do_not_look_at_their_job,
    deaths_are_not_counted,
    a_lost_race_is_an_error,
    an_ended_job_ends_again,
    the_end_is_not_told_again,
    faces_are_dropped_too_early,
    chunks_are_deleted_before_they_are_done,
    faces_have_the_same_name_in_all_chunks,
    ready_segments_are_not_queued,
    superseded_work_is_acknowledged,
    nothing_is_handed_back_when_closing,
    the_output_is_not_checked_in,
    troubles_are_not_waited_for,
)
