"""A job begins: its media are stored, its record is created, its first task is queued, in this order."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from services.common import object_names
from services.common.content_hash import file_sha256
from services.common.lanes import preprocess_task
from services.common.messages import DubParameters, JobRecord, Priority
from services.common.networks_used import cards_of
from services.common.ports import Bus, JobStore, MediaStore, ModelCard, Models


@dataclass(frozen=True)
class Content:
    """A media file, by what is in it."""

    sha256: str
    suffix: str
    """Of the file's name, with its dot; FFmpeg takes it as a hint."""

    @property
    def object_name(self) -> str:
        return object_names.media(self.sha256, self.suffix)


def content_of(path: Path) -> Content:
    return Content(file_sha256(path), path.suffix)


def new_record(
    video: Content, audio: Content, parameters: DubParameters, cards: list[ModelCard], job_id: str | None = None
) -> JobRecord:
    """The record of a job over two media. Without `job_id` the job is named by its content."""
    keys = object_names.stage_keys(video.sha256, audio.sha256, parameters, cards)
    return JobRecord(
        id=job_id or keys.composite,
        video=video.object_name,
        audio=audio.object_name,
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
    cards = await cards_of(models, parameters)
    record = new_record(content_of(video), content_of(audio), parameters, cards, uuid.uuid4().hex)
    record = record.model_copy(update={"priority": priority})
    await media.put_file(record.video, video)
    await media.put_file(record.audio, audio)
    await begin(bus, jobs, record)
    return record


async def begin(bus: Bus, jobs: JobStore, record: JobRecord) -> None:
    """Hands a job whose media are stored to the stages. Raises StaleRecord when there is such a job."""
    await jobs.create(record)
    await bus.publish(preprocess_task(record))
