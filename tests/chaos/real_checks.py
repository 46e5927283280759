"""What must hold on the real servers once a schedule's jobs have ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from chaos.real_jobs import Kind
from minio import Minio
from nats.js import JetStreamContext

from services.common import object_names
from services.common.errors import ObjectMissing
from services.common.jetstream_names import DEAD, EVENTS, WORK, end_subject
from services.common.messages import JobRecord
from services.common.s3_client import s3_client
from services.common.stack import Stack, s3_access
from services.common.wire import decode_event


@dataclass
class Submitted:
    record: JobRecord
    kind: Kind
    told: str = ""
    """What the user who canceled the job was told of it."""


async def restless(stack: Stack, jobs: list[Submitted]) -> list[str]:
    """What is not as it must be once everything has come to rest; empty when it has."""
    found = []
    for job in jobs:
        record, _ = await stack.jobs.get(job.record.id)
        if not record.announced:
            found.append(f"job {record.id} is {record.state} and its end is not told")
    work = await stack.nats.streams.stream_info(WORK)
    if work.state.messages:
        found.append(f"{work.state.messages} tasks are queued")
    s3, bucket = s3_client(s3_access(stack.settings)), stack.settings.s3_bucket
    kept = _objects(s3, bucket, object_names.WORK)
    for job in jobs:
        record, _ = await stack.jobs.get(job.record.id)
        if record.state != "completed":
            kept += _objects(s3, bucket, object_names.output_folder(record.id))
    return found + [f"{name} is left" for name in kept]


async def wrong(stack: Stack, jobs: list[Submitted]) -> list[str]:
    """What is wrong for good."""
    ends = await _subjects(stack.nats.streams, EVENTS, "events.>")
    dead = await _subjects(stack.nats.streams, DEAD, "dead.>")
    found = []
    for job in jobs:
        record, _ = await stack.jobs.get(job.record.id)
        found += [f"job {record.id}: {trouble}" for trouble in await _wrong_with(stack, record, job)]
        if (count := ends.get(end_subject(record.id), 0)) != 1:
            found.append(f"job {record.id}: {count} ends were told")
        else:
            message = await stack.nats.streams.get_last_msg(EVENTS, end_subject(record.id))
            if (told := decode_event(message.data or b"").state) != record.state:
                found.append(f"job {record.id} is {record.state}, but {told} was told")
        if record.state != "failed":
            found += [f"{subject} is on DEAD" for subject in dead if record.id in subject]
    return found


async def _wrong_with(stack: Stack, record: JobRecord, job: Submitted) -> list[str]:
    if job.told and job.told != record.state:
        return [f"the user was told {job.told}, but it is {record.state}"]
    if job.told == "canceled":
        return []
    if not job.kind.expected:
        right = record.error is not None and record.error.code == "audio_empty"
        return [] if right else [f"it is {record.state} with {record.error}"]
    if record.state != "completed":
        return [f"it is {record.state} with {record.error}"]
    try:
        output = await stack.media.get(record.output or "")
        await stack.media.get(object_names.report(record))
    except ObjectMissing as error:
        return [str(error)]
    return [] if output == job.kind.expected else ["its output is not what one process makes"]


async def _subjects(streams: JetStreamContext, stream: str, subjects: str) -> Mapping[str, int]:
    info = await streams.stream_info(stream, subjects_filter=subjects)
    return info.state.subjects or {}


def _objects(s3: Minio, bucket: str, folder: str) -> list[str]:
    found = s3.list_objects(bucket, folder, recursive=True)
    return [item.object_name for item in found if item.object_name]
