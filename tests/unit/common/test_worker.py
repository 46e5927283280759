import asyncio
import random
from collections.abc import Callable

import pytest
from chaos.simulated_bus import LEASE_S, Broker, SimulatedBus, SimulatedDelivery
from chaos.simulated_process import Process, World
from chaos.simulated_stores import Records, SimulatedJobStore
from chaos.virtual_time import virtually
from port_suites.job_records import job_record

from services.common import object_names
from services.common.errors import (
    DiskFull,
    LipstageError,
    MessageUnreadable,
    ModelMissing,
    NoFace,
    Superseded,
    Unavailable,
)
from services.common.messages import ChunkTask, JobRecord, Task
from services.common.ports import ModelCard
from services.common.progress import cancel
from services.common.serving import work_until
from services.common.skew import same_version_only
from services.common.worker import AT_ONCE, ENDURING, LOOK_S, Handle, Patience, Worker

TASK = ChunkTask(job_id="job", variant="1", chunk=0)
LONG_S = 100.0
LONGEST_S = 1000.0
"""No test takes longer, in virtual time."""
SLACK_S = 0.5
"""What the calls of a test take together, in virtual time."""


class Shop:
    """One job with one task, a broker and workers in virtual time."""

    def __init__(self, **job: object) -> None:
        self.world = World(random.Random(0))
        self.broker, self.records = Broker(self.world), Records(self.world)
        self.records.create(job_record(**job))
        self.broker.store(TASK)
        self.handled_at_s: list[float] = []

    async def open(self, handle: Handle, patience: Patience = ENDURING) -> Process:
        """A worker process that has begun; its own coroutine is `process.running`."""
        process = Process(f"worker-{len(self.handled_at_s)}", "denoise", self.world)
        bus, jobs = SimulatedBus(self.broker, process), SimulatedJobStore(self.records, process)

        async def handled(task: Task, record: JobRecord) -> None:
            self.handled_at_s.append(self.world.now_s)
            await handle(task, record)

        worker = Worker(TASK.queue, handled, bus, jobs, patience)
        process.running = asyncio.create_task(worker.serve(process.closing))
        return process

    @property
    def record(self) -> JobRecord:
        return self.records.read("job")[0]

    async def until(self, happened: Callable[[], bool]) -> float:
        while not happened():
            assert self.world.now_s < LONGEST_S, "it does not happen"
            await asyncio.sleep(0.01)
        return self.world.now_s

    async def until_worked_off(self) -> float:
        return await self.until(lambda: not self.broker.unfinished)


async def nothing(task: Task, record: JobRecord) -> None:
    """A task that is done at once."""


async def sleeping(task: Task, record: JobRecord) -> None:
    await asyncio.sleep(LONG_S)


def raising(*errors: Exception) -> Handle:
    """A task that fails, the last error for good; after `errors` that end in None it is done."""
    left = list(errors)

    async def handle(task: Task, record: JobRecord) -> None:
        error = left.pop(0) if len(left) > 1 else left[0]
        if error is not None:
            raise error

    return handle


@virtually
async def test_a_task_is_acknowledged_when_it_is_done() -> None:
    shop = Shop()
    await shop.open(nothing)

    assert await shop.until_worked_off() < SLACK_S
    assert len(shop.handled_at_s) == 1


@virtually
async def test_a_task_stays_with_its_worker_for_as_long_as_it_takes() -> None:
    shop = Shop()
    await shop.open(sleeping)
    await asyncio.sleep(SLACK_S)
    await shop.open(nothing)

    assert await shop.until_worked_off() > LONG_S
    assert len(shop.handled_at_s) == 1


@virtually
async def test_the_task_of_a_dead_worker_goes_to_another_when_its_lease_ends() -> None:
    shop = Shop()
    dead = await shop.open(sleeping)
    await asyncio.sleep(SLACK_S)
    dead.kill()
    await shop.open(nothing)

    assert LEASE_S < await shop.until_worked_off() < LEASE_S + SLACK_S


@virtually
async def test_the_task_of_a_canceled_job_stops_within_seconds() -> None:
    shop = Shop()
    worker = await shop.open(sleeping)
    await asyncio.sleep(SLACK_S)
    await cancel(SimulatedJobStore(shop.records, worker), SimulatedBus(shop.broker, worker), "job")

    assert await shop.until_worked_off() < LOOK_S + 2 * SLACK_S


@virtually
async def test_the_task_of_an_ended_job_is_dropped() -> None:
    shop = Shop(state="canceled")
    await shop.open(nothing)
    await shop.until_worked_off()

    assert shop.handled_at_s == []


@virtually
async def test_the_task_of_an_unknown_job_is_dropped() -> None:
    shop = Shop()
    shop.records.newest.clear()
    await shop.open(nothing)
    await shop.until_worked_off()

    assert shop.handled_at_s == []


@pytest.mark.parametrize("trouble", [Unavailable("Away."), DiskFull("Full.")])
def test_trouble_that_may_pass_is_waited_out_with_longer_and_longer_pauses(trouble: LipstageError) -> None:
    @virtually
    async def test() -> None:
        shop = Shop()
        await shop.open(raising(trouble, trouble, trouble, None))  # type: ignore[arg-type]
        await shop.until_worked_off()

        pauses = [later - before for before, later in zip(shop.handled_at_s, shop.handled_at_s[1:], strict=False)]
        assert pauses == pytest.approx([0.25, 0.5, 1.0], abs=0.1)
        assert shop.record.state == "processing"

    test()


@virtually
async def test_a_task_that_waits_keeps_its_lease() -> None:
    shop = Shop()
    await shop.open(raising(*[Unavailable("Away.")] * 12, None))  # type: ignore[arg-type, list-item]
    await asyncio.sleep(SLACK_S)
    await shop.open(raising(AssertionError("Another worker took it.")))

    assert await shop.until_worked_off() > 2 * LEASE_S


@pytest.mark.parametrize("error", [NoFace("Nobody is seen."), ModelMissing("There is no UNet.")])
def test_what_trying_again_cannot_mend_ends_the_job_at_once(error: LipstageError) -> None:
    @virtually
    async def test() -> None:
        shop = Shop()
        await shop.open(raising(error))
        await shop.until_worked_off()

        assert len(shop.handled_at_s) == 1
        assert shop.record.error is not None
        assert (shop.record.state, shop.record.error.code) == ("failed", error.code)
        assert shop.broker.dead == {TASK.key: f"{error.code}: {error}"}
        assert shop.broker.ends == {"job": "failed"}

    test()


@virtually
async def test_an_unexpected_error_is_tried_by_several_workers_and_then_ends_the_job() -> None:
    shop = Shop()
    await shop.open(raising(ZeroDivisionError("by zero")))
    await shop.until_worked_off()

    assert len(shop.handled_at_s) == ENDURING.deliveries
    assert shop.record.error is not None
    assert shop.record.error.message == "An unexpected error ended the job: ZeroDivisionError: by zero"
    assert list(shop.broker.dead) == [TASK.key]


@virtually
async def test_an_unexpected_error_that_passes_is_forgotten() -> None:
    shop = Shop()
    await shop.open(raising(ZeroDivisionError("by zero"), None))  # type: ignore[arg-type]
    await shop.until_worked_off()

    assert len(shop.handled_at_s) == 2
    assert (shop.record.state, shop.broker.dead) == ("processing", {})


@virtually
async def test_the_record_tells_why_tasks_were_tried_again() -> None:
    shop = Shop(retries={"unavailable": 2})
    waits = [Unavailable("Away."), Unavailable("Away."), DiskFull("Full.")]
    await shop.open(raising(*waits, ZeroDivisionError(), ZeroDivisionError(), None))  # type: ignore[arg-type]
    await shop.until_worked_off()

    assert shop.record.retries == {"unavailable": 3, "disk_full": 1, "internal": 2}


@virtually
async def test_a_reason_that_cannot_be_noted_keeps_no_task_from_being_tried_again() -> None:
    shop = Shop()

    async def fail(self: SimulatedJobStore, record: JobRecord, revision: int) -> int:
        raise ValueError("a bug")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SimulatedJobStore, "update", fail)
        await shop.open(raising(ZeroDivisionError(), None))  # type: ignore[arg-type]
        await shop.until_worked_off()

    assert (len(shop.handled_at_s), shop.record.retries) == (2, {})


@virtually
async def test_a_task_that_takes_its_workers_down_ends_its_job() -> None:
    shop = Shop()
    workers: list[Process] = []

    async def deadly(task: Task, record: JobRecord) -> None:
        workers[-1].kill()
        await asyncio.sleep(LONG_S)

    while not shop.record.ended:
        workers.append(await shop.open(deadly))
        await shop.until(lambda: shop.record.ended or not workers[-1].alive)

    assert len(shop.handled_at_s) == 2 * ENDURING.deliveries
    assert shop.record.error is not None
    assert "died 10 times over chunk-0" in shop.record.error.message


@virtually
async def test_superseded_work_is_not_acknowledged() -> None:
    shop = Shop()
    await shop.open(raising(Superseded("Another has it.")))
    await asyncio.sleep(LEASE_S - SLACK_S)

    assert list(shop.broker.unfinished) == [TASK.key]
    assert (len(shop.handled_at_s), shop.record.state) == (1, "processing")


@virtually
async def test_an_acknowledgement_that_fails_leaves_the_task_to_its_lease() -> None:
    shop = Shop()

    async def then_the_broker_is_away(task: Task, record: JobRecord) -> None:
        if len(shop.handled_at_s) == 1:
            shop.world.away_until_s["broker"] = shop.world.now_s + 5

    await shop.open(then_the_broker_is_away)

    assert await shop.until_worked_off() > LEASE_S
    assert len(shop.handled_at_s) == 2


@virtually
async def test_a_closing_worker_finishes_what_it_has_in_hand() -> None:
    shop = Shop()
    worker = await shop.open(sleeping)
    await asyncio.sleep(SLACK_S)
    worker.drain()
    assert worker.running is not None
    await worker.running

    assert (len(shop.handled_at_s), list(shop.broker.unfinished)) == (1, [])


@virtually
async def test_an_idle_worker_closes_at_once() -> None:
    shop = Shop()
    worker = await shop.open(nothing)
    await shop.until_worked_off()
    worker.drain()
    assert worker.running is not None
    await worker.running

    assert shop.world.now_s < SLACK_S


@virtually
async def test_what_takes_longer_than_the_worker_may_is_handed_back() -> None:
    shop = Shop()
    process = Process("worker", "denoise", shop.world)
    bus, jobs = SimulatedBus(shop.broker, process), SimulatedJobStore(shop.records, process)
    closing = asyncio.create_task(work_until(process.closing, [Worker(TASK.queue, sleeping, bus, jobs, ENDURING)], 3.0))
    await asyncio.sleep(SLACK_S)
    process.drain()
    await closing
    await shop.open(nothing)

    assert await shop.until_worked_off() < 3.0 + 2 * SLACK_S


@virtually
async def test_a_canceled_worker_ends_though_it_cannot_hand_its_task_back() -> None:
    shop = Shop()
    worker = await shop.open(sleeping)
    await asyncio.sleep(SLACK_S)
    shop.world.away_until_s["broker"] = LONG_S
    assert worker.running is not None
    worker.running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(worker.running, SLACK_S)


@virtually
async def test_a_lease_that_cannot_be_kept_for_an_unknown_reason_hands_the_task_back() -> None:
    shop = Shop()

    async def fail(self: SimulatedDelivery) -> None:
        raise ValueError("a bug")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SimulatedDelivery, "extend", fail)
        await shop.open(sleeping)
        await shop.until(lambda: len(shop.handled_at_s) == 2)

    assert list(shop.broker.unfinished) == [TASK.key]


@virtually
async def test_a_record_that_cannot_be_read_costs_its_task_and_not_the_worker() -> None:
    shop = Shop()
    read = shop.records.read

    def unreadable(job_id: str) -> tuple[JobRecord, int]:
        raise MessageUnreadable("Not a JobRecord.")

    shop.records.read = unreadable  # type: ignore[method-assign]
    await shop.open(nothing)
    await shop.until_worked_off()
    shop.records.read = read  # type: ignore[method-assign]
    shop.broker.store(TASK)
    await shop.until_worked_off()

    assert len(shop.handled_at_s) == 1


@virtually
async def test_a_task_whose_job_ended_otherwise_is_not_buried() -> None:
    shop = Shop()

    async def completed_meanwhile(jobs: object, bus: object, job_id: str, error: LipstageError) -> JobRecord:
        return shop.record.model_copy(update={"state": "completed"})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("services.common.worker.fail", completed_meanwhile)
        await shop.open(raising(NoFace("Nobody is seen.")))
        await shop.until_worked_off()

    assert shop.broker.dead == {}


@virtually
async def test_a_single_process_says_at_once_what_goes_wrong() -> None:
    shop = Shop()
    await shop.open(raising(Unavailable("Away.")), AT_ONCE)
    await shop.until_worked_off()

    assert shop.record.error is not None
    assert (len(shop.handled_at_s), shop.record.error.code) == (1, "unavailable")


@pytest.mark.parametrize(
    ("made_for", "said"),
    [
        ({"pipeline": "old"}, "created for stages of version old"),
        ({"pipeline": object_names.PIPELINE_VERSION, "networks": {"unet": "other"}}, "other weights of unet"),
    ],
)
def test_work_that_was_planned_for_other_code_or_weights_is_refused(made_for: dict[str, object], said: str) -> None:
    @virtually
    async def test() -> None:
        shop = Shop(**made_for)
        ran = []

        async def run(task: Task, record: JobRecord) -> None:
            ran.append(task)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("services.common.skew.cards_of", _cards)
            await shop.open(same_version_only(run, None))  # type: ignore[arg-type]
            await shop.until_worked_off()

        assert ran == []
        assert shop.record.error is not None
        assert shop.record.error.code == "version_skew"
        assert said in shop.record.error.message

    test()


async def _cards(models: object, parameters: object) -> list[object]:
    return [ModelCard("unet", "1", 64, "here", "1")]
