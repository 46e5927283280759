"""A queue of tasks in four lanes, taken as production's workers take them."""

from collections import deque
from dataclasses import dataclass
from functools import cache

from bench.capacity.jobs import Job
from services.common.lanes import LANES, chunk_task, lane_orders, preprocess_task, segment_task
from services.common.messages import DubParameters, JobRecord, Priority


@dataclass(slots=True, eq=False)
class Task:
    job: Job
    part: int
    """Chunk or segment; −1: the whole job (preprocess, finish)."""
    lane: int


class LaneQueue:
    """Not `fair`: one lane for all, first in, first out."""

    def __init__(self, fair: bool) -> None:
        self._lanes = [deque[Task]() for _ in range(LANES)]
        self._fair = fair

    def put(self, task: Task) -> None:
        self._lane_of(task).append(task)

    def put_back(self, task: Task) -> None:
        """A task that was handed back is delivered again before new ones."""
        self._lane_of(task).appendleft(task)

    def take(self, order: tuple[int, ...]) -> Task | None:
        for lane in order:
            if self._lanes[lane]:
                return self._lanes[lane].popleft()
        return None

    def _lane_of(self, task: Task) -> deque[Task]:
        return self._lanes[task.lane if self._fair else 0]


ORDERS = tuple(lane_orders())


@cache
def preprocess_lane(priority: Priority) -> int:
    return preprocess_task(_record(priority)).lane


@cache
def chunk_lane(priority: Priority, chunk: int) -> int:
    return chunk_task(_record(priority), chunk).lane


@cache
def segment_lane(priority: Priority, segment: int) -> int:
    return segment_task(_record(priority), segment).lane


@cache
def _record(priority: Priority) -> JobRecord:
    """Of what a record holds, only the priority decides about lanes."""
    return JobRecord.model_construct(id="", parameters=DubParameters(), priority=priority)
