"""Logs as JSON lines on stderr, and traces to an OTLP collector where one is named."""

import logging
import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pythonjsonlogger.json import JsonFormatter

from services.common.log_context import TaskFilter


def start_telemetry(service: str) -> None:
    """Once per process. Tracing follows OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(TaskFilter())
    formatter = JsonFormatter("{asctime}{levelname}{name}{message}", style="{", static_fields={"service": service})
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        provider = TracerProvider(resource=Resource.create({"service.name": f"lipstage-{service}"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
