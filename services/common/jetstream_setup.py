"""Streams, consumers and the buckets of records and documents, as `python -m services.bootstrap` makes them."""

from functools import partial
from typing import Final, get_args

from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError

from services.common.jetstream_calls import answered
from services.common.jetstream_names import (
    DEAD,
    DOCUMENTS,
    EVENTS,
    GATEWAY,
    JOBS,
    RECORDS,
    WORK,
    consumer,
    lane_subjects,
)
from services.common.lanes import LANES
from services.common.messages import DubParameters, denoise_queue
from services.common.nats_connection import Connection

LEASE_S: Final = 30.0
QUEUES: Final = (
    "preprocess",
    *(denoise_queue(variant) for variant in get_args(DubParameters.model_fields["variant"].annotation)),
    "composite",
)
_DAY_S: Final = 24 * 3600.0
_IS_THERE_BUT_DIFFERS: Final = 10058
"""The server's error code for a stream of that name with other settings."""


async def set_up(connection: Connection, replicas: int = 1, lease_s: float = LEASE_S) -> None:
    """Makes what is missing and changes what is there; what is stored stays. Raises Unavailable."""
    for stream in _streams(replicas):
        await _make(connection.streams, stream)
    for queue in QUEUES:
        for lane in range(LANES):
            config = _consumer(queue, lane, lease_s)
            await answered(partial(connection.streams.add_consumer, WORK, config))


async def _make(streams: JetStreamContext, config: api.StreamConfig) -> None:
    try:
        await answered(lambda: streams.add_stream(config))
    except BadRequestError as error:
        if error.err_code != _IS_THERE_BUT_DIFFERS:
            raise
        await answered(lambda: streams.update_stream(config))


def _streams(replicas: int) -> list[api.StreamConfig]:
    limits, work_queue, file = api.RetentionPolicy.LIMITS, api.RetentionPolicy.WORK_QUEUE, api.StorageType.FILE
    return [
        api.StreamConfig(WORK, subjects=["work.>"], retention=work_queue, storage=file, num_replicas=replicas),
        api.StreamConfig(
            DEAD, subjects=["dead.>"], retention=limits, max_age=30 * _DAY_S, storage=file, num_replicas=replicas
        ),
        api.StreamConfig(
            EVENTS, subjects=["events.>"], retention=limits, max_age=7 * _DAY_S, storage=file, num_replicas=replicas
        ),
        _bucket(JOBS, RECORDS, replicas),
        _bucket(GATEWAY, DOCUMENTS, replicas),
    ]


def _bucket(name: str, stream: str, replicas: int) -> api.StreamConfig:
    """A key-value bucket as NATS lays it out (its ADR-8), but without direct reads.

    Those may come from a replica that lags behind, and what was just created would be missing.
    """
    return api.StreamConfig(
        stream,
        subjects=[f"$KV.{name}.>"],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        max_msgs_per_subject=1,
        discard=api.DiscardPolicy.NEW,
        allow_rollup_hdrs=True,
        deny_delete=True,
        allow_direct=False,
    )


def _consumer(queue: str, lane: int, lease_s: float) -> api.ConsumerConfig:
    return api.ConsumerConfig(
        name=consumer(queue, lane),
        durable_name=consumer(queue, lane),
        filter_subject=lane_subjects(queue, lane),
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=lease_s,
        max_deliver=-1,
        max_ack_pending=-1,
    )
