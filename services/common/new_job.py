"""A job begins: its media are stored, its record is created, its first task is queued, in this order."""

import uuid
from pathlib import Path

from services.common import object_names
from services.common.content_hash import file_sha256
from services.common.lanes import preprocess_task
from services.common.messages import DubParameters, JobRecord, Priority
from services.common.networks_used import cards_of
from services.common.ports import Bus, JobStore, MediaStore, ModelCard, Models


def new_record(
    video: Path, audio: Path, parameters: DubParameters, cards: list[ModelCard], job_id: str | None = None
) -> JobRecord:
    """The record of a job over two local files. Without `job_id` the job is named by its content."""
    video_sha256, audio_sha256 = file_sha256(video), file_sha256(audio)
    keys = object_names.stage_keys(video_sha256, audio_sha256, parameters, cards)
    return JobRecord(
        id=job_id or keys.composite,
        video=object_names.media(video_sha256, video.suffix),
        audio=object_names.media(audio_sha256, audio.suffix),
        parameters=parameters,
        keys=keys,
        networks={card.name: card.source_sha256 for card in cards},
        pipeline=object_names.PIPELINE_VERSION,
    )


async def submit(
    bus: Bus,
    media: MediaStore,
    jobs: JobStore,
    models: Models,
    video: Path,
    audio: Path,
    parameters: DubParameters,
    priority: Priority = "normal",
) -> JobRecord:
    """Starts a job. If this is cut off in the middle, either there is no job or the reconciler goes on with it."""
    record = new_record(video, audio, parameters, await cards_of(models, parameters), uuid.uuid4().hex)
    record = record.model_copy(update={"priority": priority})
    await media.put_file(record.video, video)
    await media.put_file(record.audio, audio)
    await jobs.create(record)
    await bus.publish(preprocess_task(record))
    return record
