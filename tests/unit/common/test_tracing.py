"""One trace shows a job from its submission through every task it led to."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from port_suites.job_records import job_record

from services.common.lanes import chunk_task, preprocess_task
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobRecord, Task
from services.common.tracing import tracer
from services.common.worker import AT_ONCE, Worker


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


async def test_a_task_belongs_to_the_trace_of_the_task_that_published_it(spans: InMemorySpanExporter) -> None:
    bus, jobs, done = MemoryBus(), MemoryJobStore(), asyncio.Event()
    await jobs.create(job_record())

    async def preprocess(task: Task, record: JobRecord) -> None:
        await bus.publish(chunk_task(record, 3))

    async def denoise(task: Task, record: JobRecord) -> None:
        done.set()

    with tracer.start_as_current_span("submit"):
        await bus.publish(preprocess_task(job_record()))
    closing = asyncio.Event()
    queues = {"preprocess": preprocess, "denoise-1": denoise}
    workers = [Worker(queue, handle, bus, jobs, AT_ONCE).serve(closing) for queue, handle in queues.items()]
    serving = asyncio.gather(*workers)
    await asyncio.wait_for(done.wait(), 5)
    closing.set()
    await serving

    named = {span.name: span for span in spans.get_finished_spans()}
    assert set(named) == {"submit", "preprocess", "chunk-3"}
    assert len({span.context.trace_id for span in named.values() if span.context}) == 1
    assert named["chunk-3"].parent is not None
    assert named["preprocess"].context is not None
    assert named["chunk-3"].parent.span_id == named["preprocess"].context.span_id
