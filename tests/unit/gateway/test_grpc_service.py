"""The native API over gRPC, with a real server and client on loopback and no stages behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from grpc_status import rpc_status
from port_suites.development import development
from port_suites.job_records import job_record
from port_suites.submissions import submission

from gateway.accounts import Account, Limits
from gateway.clock import utc_now
from gateway.documents import Collection
from gateway.front import Front, Ports, open_front
from gateway.grpc_server import SERVICE, serving_grpc
from gateway.ids import made_at, new_id
from gateway.memory_documents import MemoryDocuments
from gateway.settings import GatewaySettings
from gateway.submissions import JobRequest, Submission
from gateway.tls import local_tls
from lipstage.v1 import jobs_pb2
from lipstage.v1 import service_pb2 as wire
from lipstage.v1.service_pb2_grpc import LipSyncStub
from services.common import object_names
from services.common.errors import Unavailable
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobError, JobEvent, JobRecord
from services.common.onnx_models import OnnxModels

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_LATER = count()
"""Ids sort by the millisecond they were made in."""
OF_ONE = wire.MediaSource(upload_id="one")


class WatchedBus(MemoryBus):
    """Knows how many listen, and lets a test wait until nobody does."""

    def __init__(self) -> None:
        super().__init__()
        self.listening = asyncio.Semaphore(0)
        self.left = asyncio.Semaphore(0)

    @asynccontextmanager
    async def events(self, job_id: str) -> AsyncIterator[AsyncIterator[JobEvent]]:
        async with super().events(job_id) as events:
            self.listening.release()
            try:
                yield events
            finally:
                self.left.release()


@pytest.fixture
def bus() -> WatchedBus:
    return WatchedBus()


@pytest.fixture
async def front(tmp_path: Path, bus: WatchedBus) -> AsyncIterator[Front]:
    settings = development()
    media, models = FolderMediaStore(tmp_path), OnnxModels(tmp_path, 1)
    async with open_front(Ports(MemoryDocuments(), bus, MemoryJobStore(), media, models), settings) as front:
        yield front


@pytest.fixture
async def account(front: Front) -> Account:
    return await front.keys.create_account("Acme")


@pytest.fixture
async def key(front: Front, account: Account) -> str:
    return (await front.keys.create_key(account.id, "test"))[1]


@pytest.fixture
async def channel(front: Front) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving_grpc(front, "127.0.0.1", 0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield channel


class Api:
    """The service's stub with a key."""

    def __init__(self, channel: grpc.aio.Channel, key: str) -> None:
        self._stub, self._metadata = LipSyncStub(channel), (("authorization", f"Bearer {key}"),)

    def __getattr__(self, method: str) -> Any:
        return lambda request: getattr(self._stub, method)(request, metadata=self._metadata, timeout=20)


@pytest.fixture
def api(channel: grpc.aio.Channel, key: str) -> Api:
    return Api(channel, key)


async def stored(front: Front, account: Account, record: JobRecord | None, **fields: object) -> str:
    """A job of the account as the documents and the job store hold it."""
    job = submission(new_id(utc_now() + timedelta(seconds=next(_LATER))), account=account.id, **fields)
    await Collection(front.ports.documents, "submissions", Submission).create(f"{account.id}/{job.id}", job)
    if record:
        await front.ports.jobs.create(record.model_copy(update={"id": job.id}))
    return job.id


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status and stable code of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    details = rpc_status.from_call(caught.value).details
    info = ErrorInfo()
    assert details[0].Unpack(info)
    assert info.domain == "lipstage"
    return caught.value.code(), info.reason


async def test_a_job_is_taken_with_everything_that_was_asked(api: Api, front: Front, account: Account) -> None:
    asked = wire.CreateJobRequest(
        video=OF_ONE,
        audio=wire.MediaSource(upload_id="two"),
        parameters=jobs_pb2.DubParameters(steps=3, mode=jobs_pb2.MODE_REFERENCE),
        priority=jobs_pb2.PRIORITY_HIGH,
        consent=wire.Consent(attested_by="Ada", basis="contract", expire_time=Timestamp(seconds=2**32)),
        retention=Duration(seconds=59, nanos=1),
        webhook=wire.Webhook(
            url="https://example.com/done", events=[wire.WEBHOOK_EVENT_STARTED, wire.WEBHOOK_EVENT_ENDED]
        ),
        metadata={"take": "2"},
        label=True,
        start_within=Duration(seconds=60),
        cancel_after=Duration(seconds=90, nanos=500_000_000),
    )

    job = (await api.CreateJob(asked)).job

    kept = await Collection(front.ports.documents, "submissions", Submission).get(f"{account.id}/{job.id}")
    request = kept.request
    assert (request.video, request.audio, request.label) == ("upload:one", "upload:two", True)
    assert (request.parameters.steps, request.parameters.mode, request.priority) == (3, "reference", "high")
    assert (request.start_within_s, request.cancel_after_s) == (60, 90.5)
    assert request.webhook
    assert request.webhook.events == ("started", "ended")
    assert (kept.retention_s, str(request.webhook and request.webhook.url)) == (60, "https://example.com/done")
    assert job.parameters.steps == 3
    assert job.parameters.output.crf == 18
    assert (job.priority, dict(job.metadata), job.consent_id) == (jobs_pb2.PRIORITY_HIGH, {"take": "2"}, kept.consent)


async def test_a_consent_does_not_outlast_time(api: Api) -> None:
    consent = wire.Consent(attested_by="Ada", basis="contract", expire_time=Timestamp(seconds=2**60))
    asked = wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, consent=consent)

    assert await refusal(api.CreateJob(asked)) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid_parameter")


async def test_a_job_that_cannot_be_taken_in_is_watched_to_its_failure(api: Api) -> None:
    job = (await api.CreateJob(wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE))).job

    updates = [update async for update in api.WatchJob(wire.WatchJobRequest(job_id=job.id))]

    assert updates[-1].job.state == jobs_pb2.JOB_STATE_FAILED
    assert updates[-1].job.error.code == "upload_not_found"


async def test_the_same_idempotency_key_gives_the_same_job(api: Api) -> None:
    asked = wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, idempotency_key="again")
    other = wire.CreateJobRequest(video=OF_ONE, audio=wire.MediaSource(upload_id="two"), idempotency_key="again")

    first, second = [(await api.CreateJob(asked)).job.id for _ in range(2)]

    assert first == second
    assert await refusal(api.CreateJob(other)) == (grpc.StatusCode.ALREADY_EXISTS, "idempotency_conflict")


async def test_a_watch_tells_the_job_its_progress_and_its_end(
    api: Api, front: Front, account: Account, bus: WatchedBus
) -> None:
    job = await stored(front, account, job_record(), queued_at=NOON)
    call = api.WatchJob(wire.WatchJobRequest(job_id=job))
    first = await call.read()
    await bus.announce(JobEvent(job_id=job, state="processing", stage="denoise", part=1, done=0.5, parts=4))
    second = await call.read()
    record, revision = await front.ports.jobs.get(job)
    failed = record.model_copy(update={"state": "failed", "error": JobError(code="no_face", message="No face.")})
    await front.ports.jobs.update(failed, revision)
    await bus.announce(JobEvent(job_id=job, state="failed"))

    last = await call.read()

    assert (first.job.id, first.job.state) == (job, jobs_pb2.JOB_STATE_PROCESSING)
    assert (second.event.stage, second.event.done, second.event.parts) == (jobs_pb2.STAGE_DENOISE, 0.5, 4)
    assert (last.job.state, last.job.error.code) == (jobs_pb2.JOB_STATE_FAILED, "no_face")
    assert await call.read() is grpc.aio.EOF


async def test_a_watch_that_its_caller_cancels_listens_no_longer(
    api: Api, front: Front, account: Account, bus: WatchedBus
) -> None:
    job = await stored(front, account, job_record(), queued_at=NOON)
    call = api.WatchJob(wire.WatchJobRequest(job_id=job))
    await call.read()

    call.cancel()

    await asyncio.wait_for(bus.left.acquire(), 10)


async def test_a_watch_ends_at_its_deadline(
    channel: grpc.aio.Channel, key: str, front: Front, account: Account, bus: WatchedBus
) -> None:
    job = await stored(front, account, job_record(), queued_at=NOON)
    call = LipSyncStub(channel).WatchJob(wire.WatchJobRequest(job_id=job), metadata=(("x-api-key", key),), timeout=0.3)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [update async for update in call]

    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(bus.left.acquire(), 10)


async def test_jobs_are_listed_page_by_page_the_newest_first(api: Api, front: Front, account: Account) -> None:
    ids = [await stored(front, account, job_record(), queued_at=NOON) for _ in range(3)]
    failed = JobError(code="no_face", message="No face.")
    lost = await stored(front, account, None, error=failed, ended_at=NOON)

    first = await api.ListJobs(wire.ListJobsRequest(page_size=3))
    second = await api.ListJobs(wire.ListJobsRequest(page_size=3, page_token=first.next_page_token))
    only = await api.ListJobs(wire.ListJobsRequest(states=[jobs_pb2.JOB_STATE_FAILED]))

    assert [job.id for job in [*first.jobs, *second.jobs]] == [lost, *reversed(ids)]
    assert second.next_page_token == ""
    assert [job.id for job in only.jobs] == [lost]


async def test_a_list_is_narrowed_by_time_dialect_and_notes(api: Api, front: Front, account: Account) -> None:
    noted = JobRequest(video="upload:one", audio="upload:two", metadata={"take": "2"})
    old, over_fal, other = [
        await stored(front, account, job_record(), queued_at=NOON, **fields)
        for fields in ({"request": noted}, {"request": noted, "dialect": "fal"}, {})
    ]
    since, until = Timestamp(), Timestamp()
    since.FromDatetime(made_at(over_fal))
    until.FromDatetime(made_at(other))

    lists = [
        await api.ListJobs(asked)
        for asked in (
            wire.ListJobsRequest(created_after=since),
            wire.ListJobsRequest(created_after=since, created_before=until),
            wire.ListJobsRequest(metadata={"take": "2"}),
            wire.ListJobsRequest(metadata={"take": "2"}, dialects=["native", "sync"]),
        )
    ]

    assert [[job.id for job in found.jobs] for found in lists] == [
        [other, over_fal],
        [over_fal],
        [over_fal, old],
        [old],
    ]


async def test_a_completed_job_has_a_link_a_report_and_its_times(api: Api, front: Front, account: Account) -> None:
    record = job_record(state="completed", timings_s={"denoise": 1.5}, outcomes={"dubbed": 16})
    job = await stored(front, account, record, queued_at=NOON, ended_at=NOON)
    record, _ = await front.ports.jobs.get(job)
    await front.ports.media.put(object_names.report(record), b'{"frames": 16}')

    view = (await api.GetJob(wire.GetJobRequest(job_id=job))).job
    report = await api.GetReport(wire.GetReportRequest(job_id=job))

    assert view.state == jobs_pb2.JOB_STATE_COMPLETED
    assert view.output_url.startswith("http://127.0.0.1:1/media/")
    assert (view.output_content_type, view.output_filename) == ("video/mp4", f"{job}.mp4")
    assert view.end_time.ToDatetime(UTC) == NOON
    assert (dict(view.timings_s), dict(view.outcomes)) == ({"denoise": 1.5}, {"dubbed": 16})
    assert json.loads(report.report) == {"frames": 16}


async def test_a_running_job_is_canceled_and_an_ended_one_deleted(api: Api, front: Front, account: Account) -> None:
    job = await stored(front, account, job_record(), queued_at=NOON)
    assert await refusal(api.DeleteJob(wire.DeleteJobRequest(job_id=job))) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "job_not_ended",
    )

    canceled = (await api.CancelJob(wire.CancelJobRequest(job_id=job))).job
    await api.DeleteJob(wire.DeleteJobRequest(job_id=job))

    assert canceled.state == jobs_pb2.JOB_STATE_CANCELED
    assert (await api.GetJob(wire.GetJobRequest(job_id=job))).job.HasField("delete_time")


async def test_an_estimate_says_what_is_known(api: Api) -> None:
    url = wire.MediaSource(url="https://example.com/a.mp4")

    estimate = await api.EstimateJob(wire.EstimateJobRequest(video=url, audio=url))

    assert estimate.plan == "per-5-seconds"
    assert not estimate.HasField("amount_micros_usd")


@pytest.mark.parametrize(
    "asked",
    [
        wire.CreateJobRequest(audio=OF_ONE),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, parameters=jobs_pb2.DubParameters(steps=0)),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, parameters=jobs_pb2.DubParameters(mode=99)),
        wire.CreateJobRequest(
            video=OF_ONE,
            audio=OF_ONE,
            parameters=jobs_pb2.DubParameters(segments=[jobs_pb2.Span(start_s=0, end_s=float("inf"))]),
        ),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, priority=99),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, consent=wire.Consent()),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, webhook=wire.Webhook(url="none")),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, webhook=wire.Webhook(url="https://a.example", events=[99])),
        wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE, cancel_after=Duration()),
        wire.CreateJobRequest(
            video=OF_ONE, audio=OF_ONE, consent=wire.Consent(attested_by="a", basis="b"), consent_id="c"
        ),
    ],
)
async def test_what_is_wrong_is_an_invalid_argument(api: Api, asked: wire.CreateJobRequest) -> None:
    assert await refusal(api.CreateJob(asked)) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid_parameter")


async def test_lists_refuse_what_they_do_not_know(api: Api) -> None:
    for asked in (
        wire.ListJobsRequest(states=[99]),
        wire.ListJobsRequest(page_token="../x"),
        wire.ListJobsRequest(dialects=["klingon"]),
        wire.ListJobsRequest(created_after=Timestamp(seconds=2**60)),
    ):
        assert await refusal(api.ListJobs(asked)) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid_parameter")


async def test_a_caller_without_a_key_or_scope_is_refused(
    channel: grpc.aio.Channel, front: Front, account: Account
) -> None:
    _, reader = await front.keys.create_key(account.id, "reader", scopes=frozenset({"jobs:read"}))
    asked = wire.CreateJobRequest(video=OF_ONE, audio=OF_ONE)

    assert await refusal(LipSyncStub(channel).CreateJob(asked)) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "unauthenticated",
    )
    assert await refusal(Api(channel, reader).CreateJob(asked)) == (grpc.StatusCode.PERMISSION_DENIED, "forbidden")


async def test_a_job_of_somebody_else_is_not_there(channel: grpc.aio.Channel, front: Front, account: Account) -> None:
    job = await stored(front, account, job_record(), queued_at=NOON)
    stranger = await front.keys.create_account("Other")
    _, key = await front.keys.create_key(stranger.id, "test")
    api, missing = Api(channel, key), (grpc.StatusCode.NOT_FOUND, "job_not_found")

    assert await refusal(api.GetJob(wire.GetJobRequest(job_id=job))) == missing
    assert await refusal(api.CancelJob(wire.CancelJobRequest(job_id=job))) == missing
    assert await refusal(api.WatchJob(wire.WatchJobRequest(job_id=job)).read()) == missing


async def test_who_asks_too_often_is_told_how_long_to_wait(channel: grpc.aio.Channel, front: Front) -> None:
    limits = Limits(requests_per_minute=1)
    slow = await front.keys.create_account("Slow", lambda account: account.model_copy(update={"limits": limits}))
    _, key = await front.keys.create_key(slow.id, "test")
    api = Api(channel, key)
    await api.ListJobs(wire.ListJobsRequest())

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await api.ListJobs(wire.ListJobsRequest())

    details = rpc_status.from_call(caught.value).details
    retry = RetryInfo()
    assert details[1].Unpack(retry)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 0 < retry.retry_delay.seconds <= 60


async def test_what_goes_wrong_inside_is_not_told(
    api: Api, front: Front, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    job = await stored(front, account, job_record(), queued_at=NOON)
    documents = front.ports.documents
    name = f"submissions/{account.id}/{job}"
    _, revision = await documents.get(name)
    await documents.update(name, b"{}", revision)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await api.GetJob(wire.GetJobRequest(job_id=job))

    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == "Something went wrong here; it was noted."
    assert "a call over gRPC failed" in caplog.text


async def test_the_services_are_listed_and_described_by_reflection(channel: grpc.aio.Channel) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]

    listed, described = [
        answer async for answer in ServerReflectionStub(channel).ServerReflectionInfo(iter(asked), timeout=10)
    ]

    services = {service.name for service in listed.list_services_response.service}
    assert services == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert any(b"WatchJobResponse" in file for file in described.file_descriptor_response.file_descriptor_proto)


async def test_health_is_told_without_a_key(channel: grpc.aio.Channel) -> None:
    for service in ("", SERVICE):
        answer = await HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=10)

        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_with_a_certificate_only_those_who_trust_it_get_through(front: Front, key: str, tmp_path: Path) -> None:
    tls = local_tls(tmp_path / "tls")
    trusting = grpc.ssl_channel_credentials(tls.authority.read_bytes())
    async with (
        serving_grpc(front, "127.0.0.1", 0, tls) as port,
        grpc.aio.secure_channel(f"localhost:{port}", trusting) as channel,
    ):
        page = await Api(channel, key).ListJobs(wire.ListJobsRequest())

    assert list(page.jobs) == []


async def test_without_a_port_there_is_no_grpc(front: Front) -> None:
    async with serving_grpc(front, "127.0.0.1", None) as port:
        assert port is None


def test_the_environment_can_turn_grpc_off(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"PUBLIC_URL": "http://127.0.0.1:1", "LINK_SECRET": "s", "ROUTE_OWNER": "the test", "SUPPORT": "nobody"}
    for name, value in {**variables, "ENVIRONMENT": "development", "GRPC_PORT": "off"}.items():
        monkeypatch.setenv(f"LIPSTAGE_{name}", value)

    assert GatewaySettings().grpc_port is None  # type: ignore[call-arg]  # the environment has the rest


async def test_a_port_that_is_taken_is_refused(front: Front) -> None:
    async with serving_grpc(front, "127.0.0.1", 0) as port:
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}; is something else there"):
            async with serving_grpc(front, "127.0.0.1", port):
                pass
