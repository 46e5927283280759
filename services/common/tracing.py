"""Trace context that travels with tasks, so that one trace shows a job from the front door to its last step."""

from collections.abc import Mapping

from opentelemetry import propagate, trace
from opentelemetry.context import Context

tracer = trace.get_tracer("lipstage")


def carried() -> dict[str, str]:
    """The current trace context as W3C headers; empty where nothing is traced."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def context_of(headers: Mapping[str, str]) -> Context:
    return propagate.extract(headers)
