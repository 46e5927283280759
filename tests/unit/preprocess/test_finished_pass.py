import random

from chaos.simulated_bus import Broker, SimulatedBus
from chaos.simulated_process import Process, World
from chaos.simulated_stores import Records, SimulatedJobStore, SimulatedMediaStore
from chaos.virtual_time import virtually
from port_suites.job_records import job_record

from services.common.messages import PreprocessTask, SegmentState
from services.preprocess.worker import Preprocessing


@virtually
async def test_a_pass_whose_worker_died_over_its_last_words_still_lets_the_job_finish() -> None:
    world = World(random.Random(0))
    broker, records, process = Broker(world), Records(world), Process("preprocess", "preprocess", world)
    done = {0: SegmentState(chunks=(0,), status="done")}
    record = job_record(preprocessed=True, chunks=1, chunks_done={0}, segments=done)
    records.create(record)
    bus, media = SimulatedBus(broker, process), SimulatedMediaStore({}, process)

    preprocessing = Preprocessing(bus, media, SimulatedJobStore(records, process), steps=None)  # type: ignore[arg-type]
    await preprocessing.handle(PreprocessTask(job_id=record.id), record)

    assert list(broker.unfinished) == ["job/finish"]
