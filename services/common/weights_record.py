"""`weights.json`: what a folder of fetched checkpoints is, written beside them when they are fetched.

Nothing inside LatentSync's own file says whether it is 1.5 or 1.6; this record does.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from services.common.errors import CheckpointMismatch

RECORD_NAME = "weights.json"


class RecordedFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: str
    bytes: int
    repository: str
    """Where it came from, as `owner/name@revision`."""


class WeightsRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    variant: str
    files: dict[str, RecordedFile]
    """By path relative to the record."""


def write_record(folder: Path, record: WeightsRecord) -> None:
    (folder / RECORD_NAME).write_text(record.model_dump_json(indent=2) + "\n")


def read_record(folder: Path) -> WeightsRecord | None:
    """The record in `folder`, or None where nothing was recorded. Raises CheckpointMismatch if it is unreadable."""
    path = folder / RECORD_NAME
    if not path.exists():
        return None
    try:
        return WeightsRecord.model_validate_json(path.read_text())
    except (ValidationError, UnicodeDecodeError) as error:
        raise CheckpointMismatch(f"{path} is not a readable record of weights.", path=str(path)) from error
