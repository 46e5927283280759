"""`weights.json`: what a folder of fetched checkpoints is, written beside them when they were fetched.

Nothing inside LatentSync's own file says whether it is 1.5 or 1.6; this record is what does.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from export.metadata import file_sha256
from services.common.errors import CheckpointMismatch, WrongVariant

RECORD_NAME = "weights.json"


class _RecordedFile(BaseModel):
    sha256: str
    bytes: int


class _Record(BaseModel):
    variant: str
    repository: str = ""
    files: dict[str, _RecordedFile]


@dataclass(frozen=True)
class CheckpointIdentity:
    """A checkpoint file's content hash and the variant it was recorded as (None where nobody recorded one)."""

    sha256: str
    recorded_variant: str | None


def identify(checkpoint: Path) -> CheckpointIdentity:
    """Hashes `checkpoint` and looks it up in the record beside it.

    A file that the record does not name has no recorded variant.
    Raises CheckpointMismatch if the record is unreadable or the file is not the one that was recorded.
    """
    sha256 = file_sha256(checkpoint)
    record_path = checkpoint.parent / RECORD_NAME
    if not record_path.exists():
        return CheckpointIdentity(sha256, None)
    try:
        record = _Record.model_validate(json.loads(record_path.read_text()))
    except (ValueError, ValidationError) as error:
        raise CheckpointMismatch(f"{record_path} is no readable record of weights.", path=str(record_path)) from error
    recorded = record.files.get(checkpoint.name)
    if recorded is None:
        return CheckpointIdentity(sha256, None)
    if recorded.sha256 != sha256:
        raise CheckpointMismatch(
            f"{checkpoint.name} is not the file that {RECORD_NAME} recorded: "
            f"its sha256 is {sha256}, the recorded one {recorded.sha256}.",
            path=str(checkpoint),
            sha256=sha256,
            recorded_sha256=recorded.sha256,
        )
    return CheckpointIdentity(sha256, record.variant)


def identify_as(checkpoint: Path, variant: str) -> CheckpointIdentity:
    """`identify`, refusing a file recorded as another variant. Raises WrongVariant, CheckpointMismatch."""
    identity = identify(checkpoint)
    if identity.recorded_variant not in (None, variant):
        raise WrongVariant(
            f"{checkpoint.name} was recorded as variant {identity.recorded_variant}, not {variant}.",
            path=str(checkpoint),
            recorded_variant=identity.recorded_variant,
            variant=variant,
        )
    return identity
