"""The report that lies next to every output: what was done to each frame, with what, and how long it took."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from services.common.chunk_files import Manifest, Outcome
from services.common.media.join import Joined
from services.common.messages import JobRecord
from services.common.ports import ModelCard


class PassedThrough(BaseModel):
    """Consecutive output frames left as they were."""

    first_frame: int
    last_frame: int
    reason: str


class FaceSpan(BaseModel):
    """Consecutive dubbed output frames of one face."""

    first_frame: int
    last_frame: int
    track: int


class NetworkUsed(BaseModel):
    name: str
    source_sha256: str
    exporter_version: str


class Marks(BaseModel):
    """How the output says where it comes from."""

    watermark: str | None
    """What the dubbed frames carry, sixteen hexadecimal digits."""
    content_credentials: bool
    """It is signed; a container that cannot be signed has the watermark alone."""
    label: bool


class Report(BaseModel):
    job_id: str
    parameters: dict[str, object]
    variant: str
    note: str
    """What to know before trusting the result; empty for trained networks."""
    networks: list[NetworkUsed]
    frames: int
    frames_dubbed: int
    passed_through: list[PassedThrough]
    faces: list[FaceSpan]
    audio_copied: bool
    audio_codec: str | None
    video_codec: str
    timings_s: dict[str, float]
    provenance: Marks | None = None


def write_report(
    record: JobRecord,
    cards: Sequence[ModelCard],
    manifests: Sequence[Manifest],
    joined: Joined,
    signed: bool = False,
) -> str:
    """The report as JSON text. `manifests` are all of the job's, in order; `signed`: the output carries credentials."""
    outcome = np.concatenate([manifest.outcome for manifest in manifests])
    track = np.concatenate([manifest.track for manifest in manifests])
    dubbed = outcome == Outcome.DUBBED
    report = Report(
        job_id=record.id,
        parameters=record.parameters.model_dump(mode="json"),
        variant=record.parameters.variant,
        note=next((card.note for card in cards if card.note), ""),
        networks=[
            NetworkUsed(name=c.name, source_sha256=c.source_sha256, exporter_version=c.exporter_version) for c in cards
        ],
        frames=len(outcome),
        frames_dubbed=int(dubbed.sum()),
        passed_through=[
            PassedThrough(first_frame=first, last_frame=last, reason=Outcome(value).name.lower())
            for first, last, value in _spans(outcome)
            if value != Outcome.DUBBED
        ],
        faces=[
            FaceSpan(first_frame=first, last_frame=last, track=value)
            for first, last, value in _spans(np.where(dubbed, track, -2))
            if value != -2
        ],
        audio_copied=joined.audio_copied,
        audio_codec=joined.audio_codec,
        video_codec=joined.video_codec,
        timings_s={stage: round(seconds, 3) for stage, seconds in record.timings_s.items()},
        provenance=_marks(record, signed),
    )
    return report.model_dump_json(indent=2, exclude=None if report.provenance else {"provenance"})


def _marks(record: JobRecord, signed: bool) -> Marks | None:
    if record.provenance is None:
        return None
    marked = record.parameters.mode != "reference"
    return Marks(
        watermark=f"{record.provenance.watermark:016x}" if marked else None,
        content_credentials=signed,
        label=record.provenance.label,
    )


def _spans(values: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Runs of equal values as (first index, last index, value)."""
    starts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    ends = np.append(starts[1:], len(values)) - 1
    return [(int(first), int(last), int(values[first])) for first, last in zip(starts, ends, strict=True)]
