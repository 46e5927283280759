"""Which job and part a log line is about."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from services.common.messages import Task

_task: ContextVar[Task | None] = ContextVar("task", default=None)


@contextmanager
def task_in_logs(task: Task) -> Iterator[None]:
    token = _task.set(task)
    try:
        yield
    finally:
        _task.reset(token)


class TaskFilter(logging.Filter):
    """Gives each record of the log the fields `job` and `part` of the task being worked on."""

    def filter(self, record: logging.LogRecord) -> bool:
        task = _task.get()
        if task is not None:
            record.job, record.part = task.job_id, task.part
        return True
