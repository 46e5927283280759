"""What workers measure, for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

_LONG_S = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_SHORT_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

QUEUE_WAIT_S = Histogram("lipstage_queue_wait_seconds", "From published to taken", ["queue"], buckets=_LONG_S)
TASK_S = Histogram("lipstage_task_seconds", "From taken to done", ["queue"], buckets=_LONG_S)
STEP_S = Histogram("lipstage_denoising_step_seconds", "One denoising step of one chunk", buckets=_SHORT_S)
IN_FLIGHT = Gauge("lipstage_tasks_in_flight", "Tasks being worked on", ["queue"])
REDELIVERIES = Counter("lipstage_redeliveries_total", "Tasks taken that another worker had before", ["queue"])
WAITS = Counter("lipstage_waits_total", "Times a task waited for a server or for disk space", ["queue", "code"])
FAILURES = Counter("lipstage_failures_total", "Tasks whose job failed over them", ["queue", "code"])
MODEL_BYTES = Counter(
    "lipstage_model_payload_bytes_total", "Bytes to and from the model server", ["model", "direction"]
)
STORED_BYTES = Counter("lipstage_stored_bytes_total", "Bytes to and from the media store", ["direction"])


@contextmanager
def in_flight(queue: str) -> Iterator[None]:
    IN_FLIGHT.labels(queue).inc()
    try:
        yield
    finally:
        IN_FLIGHT.labels(queue).dec()


@contextmanager
def timed(queue: str) -> Iterator[None]:
    """Measures tasks that succeed."""
    started = time.perf_counter()
    yield
    TASK_S.labels(queue).observe(time.perf_counter() - started)
