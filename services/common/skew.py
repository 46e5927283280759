"""Refuses work that was planned for other code or other weights: its bytes would not be what the job's keys say."""

from services.common import object_names
from services.common.errors import VersionSkew
from services.common.messages import JobRecord, Task
from services.common.networks_used import cards_of
from services.common.ports import Models
from services.common.worker import Handle


def same_version_only(handle: Handle, models: Models) -> Handle:
    """`handle`, but raising VersionSkew for jobs that were created for other stages or networks."""

    async def checked(task: Task, record: JobRecord) -> None:
        if record.pipeline != object_names.PIPELINE_VERSION:
            raise VersionSkew(
                f"Job {record.id} was created for stages of version {record.pipeline or 'unknown'};"
                f" this worker has version {object_names.PIPELINE_VERSION}."
            )
        here = {card.name: card.source_sha256 for card in await cards_of(models, record.parameters)}
        if other := sorted(name for name in here if here[name] != record.networks.get(name)):
            raise VersionSkew(
                f"Job {record.id} was created for other weights of {', '.join(other)} than are served here."
            )
        await handle(task, record)

    return checked
