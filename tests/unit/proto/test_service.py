"""The generated client and server of the public API understand one another."""

from collections.abc import AsyncIterator

import grpc
import pytest

from lipstage.v1.events_pb2 import JobEvent
from lipstage.v1.jobs_pb2 import JOB_STATE_COMPLETED, JOB_STATE_PROCESSING
from lipstage.v1.service_pb2 import Job, WatchJobRequest, WatchJobResponse
from lipstage.v1.service_pb2_grpc import LipSyncServicer, LipSyncStub, add_LipSyncServicer_to_server


class OneJob(LipSyncServicer):
    """Knows one job, which completes while it is watched."""

    async def WatchJob(  # noqa: N802
        self, request: WatchJobRequest, context: grpc.aio.ServicerContext[WatchJobRequest, WatchJobResponse]
    ) -> AsyncIterator[WatchJobResponse]:
        yield WatchJobResponse(job=Job(id=request.job_id, state=JOB_STATE_PROCESSING))
        yield WatchJobResponse(event=JobEvent(job_id=request.job_id, state=JOB_STATE_COMPLETED))


@pytest.fixture
async def client() -> AsyncIterator[LipSyncStub]:
    server = grpc.aio.server()
    add_LipSyncServicer_to_server(OneJob(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield LipSyncStub(channel)
    await server.stop(grace=None)


async def test_a_watched_job_is_told_as_it_is_and_then_as_it_goes_on(client: LipSyncStub) -> None:
    updates = [update async for update in client.WatchJob(WatchJobRequest(job_id="a"))]

    assert [update.WhichOneof("update") for update in updates] == ["job", "event"]
    assert updates[0].job.state == JOB_STATE_PROCESSING
    assert updates[1].event.state == JOB_STATE_COMPLETED
