"""What things are called on NATS: streams, consumers, subjects."""

from typing import Final

from services.common.messages import Task

WORK: Final = "WORK"
"""Tasks, each until it is acknowledged."""
DEAD: Final = "DEAD"
"""Tasks that were given up."""
EVENTS: Final = "EVENTS"
"""The ends of jobs."""
JOBS: Final = "JOBS"
"""Key-value bucket of the job records."""
RECORDS: Final = f"KV_{JOBS}"
"""The bucket's stream."""
GATEWAY: Final = "GATEWAY"
"""Key-value bucket of the gateway's documents."""
DOCUMENTS: Final = f"KV_{GATEWAY}"
"""The bucket's stream."""

FACES: Final = "questions.faces"
"""Subject of questions about the faces in a video, and the queue group of those who answer."""

REASON: Final = "Lipstage-Reason"
"""Header of a message in DEAD: why the task was given up."""

WRITE: Final = "Lipstage-Write"
"""Header of every stored message: a name for the call that stored it."""


def consumer(queue: str, lane: int) -> str:
    return f"{queue}-{lane}"


def lane_subjects(queue: str, lane: int) -> str:
    return f"work.{queue}.{lane}.>"


def news_subject(queue: str) -> str:
    """Says that a task has been stored, for consumers that wait. A task itself is heard of before it can be taken."""
    return f"news.{queue}"


def work_subject(task: Task) -> str:
    return f"work.{task.queue}.{task.lane}.{task.job_id}.{task.part}"


def dead_subject(work_subject: str) -> str:
    _, queue, _, job_id, part = work_subject.split(".")
    return f"dead.{queue}.{job_id}.{part}"


def end_subject(job_id: str) -> str:
    """One for all ways to end: the first end that is told excludes every other."""
    return f"events.{job_id}.ended"


def progress_subject(job_id: str) -> str:
    """Progress, and a copy of the end; heard by whoever listens at the moment."""
    return f"progress.{job_id}"


def record_subject(job_id: str) -> str:
    return f"$KV.{JOBS}.{job_id}"


def document_subject(name: str) -> str:
    return f"$KV.{GATEWAY}.{name.replace('/', '.')}"


def document_name(subject: str) -> str:
    return subject.removeprefix(f"$KV.{GATEWAY}.").replace(".", "/")
