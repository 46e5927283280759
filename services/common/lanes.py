"""Lanes keep the queues fair: the beginning of every job goes before the middle of long ones."""

from typing import Final

from services.common.messages import ChunkTask, FinishTask, JobRecord, PreprocessTask, SegmentTask

LANES: Final = 4
URGENT, BEGINNING, MIDDLE, REST = range(LANES)
WEIGHTS: Final = (8, 4, 2, 1)
"""How often each lane is looked into first, out of the sum."""

_CHUNKS: Final = (16, 128)
_SEGMENTS: Final = (2, 13)
"""Where a job's beginning and its middle end; about the same moments of the video."""


def preprocess_task(record: JobRecord) -> PreprocessTask:
    return PreprocessTask(job_id=record.id, lane=_lane(record, 0, (1, 1)))


def chunk_task(record: JobRecord, chunk: int) -> ChunkTask:
    lane = _lane(record, chunk, _CHUNKS)
    return ChunkTask(job_id=record.id, lane=lane, variant=record.parameters.variant, chunk=chunk)


def segment_task(record: JobRecord, segment: int) -> SegmentTask:
    return SegmentTask(job_id=record.id, lane=_lane(record, segment, _SEGMENTS), segment=segment)


def finish_task(record: JobRecord) -> FinishTask:
    return FinishTask(job_id=record.id, lane=_lane(record, len(record.segments) - 1, _SEGMENTS))


def lane_orders() -> list[tuple[int, ...]]:
    """One round of the orders in which a worker looks into the lanes: each lane leads as often as its weight says.

    The leads are spread evenly over the round; behind the lead the other lanes follow by urgency.
    """
    leads = sorted((((turn + 0.5) / weight), lane) for lane, weight in enumerate(WEIGHTS) for turn in range(weight))
    return [(lead, *(lane for lane in range(LANES) if lane != lead)) for _, lead in leads]


def _lane(record: JobRecord, part: int, ends: tuple[int, int]) -> int:
    if record.priority == "high":
        return URGENT
    if record.priority == "low":
        return REST
    beginning, middle = ends
    if part < beginning:
        return BEGINNING
    return MIDDLE if part < middle else REST
