import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from chaos.simulated_bus import Broker, SimulatedBus
from chaos.simulated_process import Process, World
from chaos.simulated_stores import Records, SimulatedJobStore, SimulatedMediaStore
from chaos.virtual_time import virtually
from port_suites.job_records import job_record

from services.common.errors import MessageUnreadable, Unavailable
from services.common.messages import ChunkTask, FinishTask, JobRecord, PreprocessTask, SegmentState, SegmentTask, Task
from services.common.reconciler import STALLED_S, Reconciler, lacking
from services.common.scanning import Scanning

CHUNK_0, CHUNK_1 = (ChunkTask(job_id="job", variant="1", chunk=chunk) for chunk in range(2))
SEGMENT = SegmentTask(job_id="job", segment=0)
WAITING, READY, DONE = (SegmentState(chunks=(0, 1), status=status) for status in ("waiting", "ready", "done"))
OUTPUT = "out/job/c.mp4"


class Yard:
    """One job, a reconciler and what it looks at, in virtual time."""

    def __init__(self, **job: object) -> None:
        self.world = World(random.Random(0))
        process = Process("reconciler", "reconciler", self.world)
        self.broker, self.records = Broker(self.world), Records(self.world)
        self.objects: dict[str, bytes] = {}
        self.records.create(job_record(**job))
        self.jobs = SimulatedJobStore(self.records, process)
        bus, media = SimulatedBus(self.broker, process), SimulatedMediaStore(self.objects, process)
        self.reconciler = Reconciler(bus, media, self.jobs, clock_s=lambda: self.world.now_s)

    def put(self, *names: str) -> None:
        self.objects.update(dict.fromkeys(names, b"content"))

    async def scan_for(self, seconds: float, every_s: float = 10.0) -> None:
        for _ in range(int(seconds / every_s) + 1):
            await self.reconciler.scan()
            await asyncio.sleep(every_s)


@pytest.mark.parametrize(
    ("job", "tasks"),
    [
        ({}, [PreprocessTask(job_id="job")]),
        ({"chunks": 2, "chunks_done": {0}}, [PreprocessTask(job_id="job"), CHUNK_1]),
        ({"chunks": 2, "preprocessed": True, "segments": {0: WAITING}}, [CHUNK_0, CHUNK_1]),
        ({"chunks": 2, "chunks_done": {0, 1}, "preprocessed": True, "segments": {0: READY}}, [SEGMENT]),
        (
            {"chunks": 2, "chunks_done": {0, 1}, "preprocessed": True, "segments": {0: DONE}},
            [FinishTask(job_id="job")],
        ),
        ({"chunks": 2, "chunks_done": {0, 1}, "segments": {0: DONE}}, [PreprocessTask(job_id="job")]),
        ({"chunks": 2, "state": "failed"}, []),
    ],
    ids=["new", "chunks", "preprocessed", "segment is ready", "all segments are done", "more may come", "ended"],
)
def test_a_job_lacks_what_must_be_done_before_it_can_go_on(job: dict[str, object], tasks: list[Task]) -> None:
    assert lacking(job_record(**job)) == tasks


@virtually
async def test_a_job_that_stands_still_gets_what_it_lacks() -> None:
    yard = Yard()
    await yard.scan_for(STALLED_S - 10)
    too_early = list(yard.broker.unfinished)
    await yard.scan_for(20)

    assert (too_early, list(yard.broker.unfinished)) == ([], ["job/preprocess"])


@virtually
async def test_a_job_that_moves_is_left_alone() -> None:
    yard = Yard()
    for chunks in range(20):
        await yard.reconciler.scan()
        record, revision = await yard.jobs.get("job")
        await yard.jobs.update(record.model_copy(update={"epoch": chunks}), revision)
        await asyncio.sleep(10)

    assert list(yard.broker.unfinished) == []


@virtually
async def test_what_is_queued_already_is_not_queued_twice() -> None:
    yard = Yard()
    yard.broker.store(PreprocessTask(job_id="job"))
    await yard.scan_for(3 * STALLED_S)

    assert len(yard.broker.queues["preprocess"].messages) == 1


@virtually
async def test_a_scan_that_is_cut_short_forgets_no_job() -> None:
    yard = Yard()

    async def cut_short() -> AsyncIterator[tuple[JobRecord, int]]:
        yield yard.records.read("job")
        raise Unavailable("The broker went away in the middle.")

    async def empty_and_cut_short() -> AsyncIterator[tuple[JobRecord, int]]:
        raise Unavailable("The broker went away at once.")
        yield

    for listing in (cut_short, empty_and_cut_short, empty_and_cut_short):
        yard.jobs.records = listing  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            await yard.reconciler.scan()
        await asyncio.sleep(STALLED_S / 2)
    del yard.jobs.records
    await yard.reconciler.scan()

    assert list(yard.broker.unfinished) == ["job/preprocess"]


@virtually
async def test_an_end_that_nobody_heard_of_is_told_once() -> None:
    yard = Yard(state="completed", output=OUTPUT)
    await yard.reconciler.scan()
    told = yard.broker.ends.copy()
    yard.broker.ends.clear()
    await yard.reconciler.scan()

    assert (told, yard.broker.ends) == ({"job": "completed"}, {})
    assert yard.records.read("job")[0].announced


@pytest.mark.parametrize("state", ["completed", "failed", "canceled"])
def test_what_the_stages_of_an_ended_job_left_is_removed(state: str) -> None:
    @virtually
    async def test() -> None:
        yard = Yard(state=state)
        yard.put("work/job/chunks/p/000000.safetensors", "work/job/segments/c/00000.mp4", "media/video.mp4")
        await yard.reconciler.scan()

        assert list(yard.objects) == ["media/video.mp4"]

    test()


@virtually
async def test_what_a_job_under_way_has_stored_stays() -> None:
    yard = Yard()
    yard.put("work/job/chunks/p/000000.safetensors", OUTPUT)
    await yard.reconciler.scan()

    assert len(yard.objects) == 2


@virtually
async def test_what_belongs_to_no_job_is_removed() -> None:
    yard = Yard()
    yard.put("work/other/chunks/p/000000.safetensors", "out/other/c.mp4")
    await yard.reconciler.scan()

    assert yard.objects == {}


@pytest.mark.parametrize(("state", "kept"), [("completed", [OUTPUT]), ("failed", []), ("canceled", [])])
def test_an_output_that_is_stored_after_the_end_stays_only_if_the_job_completed(state: str, kept: list[str]) -> None:
    @virtually
    async def test() -> None:
        yard = Yard(state=state)
        await yard.reconciler.scan()
        yard.put(OUTPUT)
        await yard.reconciler.scan()

        assert list(yard.objects) == kept

    test()


@virtually
async def test_a_record_that_cannot_be_read_keeps_no_other_job_from_being_swept() -> None:
    yard = Yard()
    yard.put("work/damaged/segments/c/00000.mp4", "work/other/segments/c/00000.mp4")
    get = yard.jobs.get

    async def damaged(job_id: str) -> tuple[JobRecord, int]:
        if job_id == "damaged":
            raise MessageUnreadable("Not a JobRecord.")
        return await get(job_id)

    yard.jobs.get = damaged  # type: ignore[method-assign]
    await yard.reconciler.scan()

    assert list(yard.objects) == ["work/damaged/segments/c/00000.mp4"]


@virtually
async def test_the_next_scan_makes_up_for_one_that_failed() -> None:
    yard = Yard(state="completed", output=OUTPUT)
    yard.world.away_until_s["broker"] = 20.0
    closing = asyncio.Event()
    scanning = asyncio.create_task(Scanning(yard.reconciler, every_s=15.0).serve(closing))
    await asyncio.sleep(40)
    closing.set()
    await scanning

    assert yard.broker.ends == {"job": "completed"}
    assert yard.world.now_s == pytest.approx(40, abs=0.1)
