"""Which file a checkpoint is, by its hash and by the record written when it was fetched."""

from dataclasses import dataclass
from pathlib import Path

from services.common.content_hash import file_sha256
from services.common.errors import CheckpointMismatch, ModelMissing, WrongVariant
from services.common.weights_record import RECORD_NAME, RecordedFile, read_record


@dataclass(frozen=True)
class CheckpointIdentity:
    """A checkpoint file's content hash and the variant it was recorded as (None where nobody recorded one)."""

    sha256: str
    recorded_variant: str | None


def identify(checkpoint: Path) -> CheckpointIdentity:
    """Hashes `checkpoint` and looks it up in the weights record beside it or in a folder above.

    Raises ModelMissing if there is no such file, CheckpointMismatch if the record is unreadable or the file is not the
    one that was recorded.
    """
    if not checkpoint.is_file():
        raise ModelMissing(f"There is no checkpoint at {checkpoint}.", path=str(checkpoint))
    sha256 = file_sha256(checkpoint)
    found = _recorded(checkpoint)
    if found is None:
        return CheckpointIdentity(sha256, None)
    variant, recorded = found
    if recorded.sha256 != sha256:
        raise CheckpointMismatch(
            f"{checkpoint} is not the file that {RECORD_NAME} recorded: its sha256 is {sha256}, "
            f"the recorded one is {recorded.sha256}.",
            path=str(checkpoint),
            sha256=sha256,
            recorded_sha256=recorded.sha256,
        )
    return CheckpointIdentity(sha256, variant)


def identify_as(checkpoint: Path, variant: str) -> CheckpointIdentity:
    """`identify`, refusing a file recorded as another variant. Raises WrongVariant and what `identify` raises."""
    identity = identify(checkpoint)
    if identity.recorded_variant not in (None, variant):
        raise WrongVariant(
            f"{checkpoint} was recorded as variant {identity.recorded_variant}, not {variant}.",
            path=str(checkpoint),
            recorded_variant=identity.recorded_variant,
            variant=variant,
        )
    return identity


def _recorded(checkpoint: Path) -> tuple[str, RecordedFile] | None:
    """The variant and entry of the nearest record that names `checkpoint`; records name files in folders below."""
    path = checkpoint.resolve()
    for folder in path.parents:
        record = read_record(folder)
        if record is not None and (entry := record.files.get(path.relative_to(folder).as_posix())) is not None:
            return record.variant, entry
    return None
