"""Names of stored objects: content addresses, so that doing a stage twice writes the same names."""

import hashlib
import json

from services.common.messages import DubParameters, JobRecord, StageKeys
from services.common.ports import ModelCard

PIPELINE_VERSION = "2"
"""Raised whenever a stage's output changes for the same inputs, so that no stale object is reused."""


def stage_keys(video_sha256: str, audio_sha256: str, parameters: DubParameters, cards: list[ModelCard]) -> StageKeys:
    """The three stages' content addresses, each derived from the one before it."""
    networks = {card.name: card.source_sha256 for card in cards}
    preprocess = _digest(
        PIPELINE_VERSION,
        video_sha256,
        audio_sha256,
        parameters.model_dump(include={"variant", "mode", "length", "segments", "speaker"}, mode="json"),
        networks["whisper_encoder"],
    )
    denoise = _digest(preprocess, parameters.model_dump(exclude={"output"}, mode="json"), networks)
    composite = _digest(denoise, parameters.output.model_dump(mode="json"))
    return StageKeys(preprocess=preprocess, denoise=denoise, composite=composite)


WORK, OUTPUTS = "work/", "out/"


def media(sha256: str, suffix: str) -> str:
    return f"media/{sha256}{suffix}"


def work_folder(job_id: str) -> str:
    """Where the stages of a job leave their outputs for one another; emptied when the job has ended."""
    return f"{WORK}{job_id}/"


def chunk(record: JobRecord, index: int) -> str:
    return f"{work_folder(record.id)}chunks/{record.keys.preprocess}/{index:06d}.safetensors"


def manifest(record: JobRecord, segment: int) -> str:
    return f"{work_folder(record.id)}manifests/{record.keys.preprocess}/{segment:05d}.safetensors"


def faces(record: JobRecord, chunk_index: int) -> str:
    return f"{work_folder(record.id)}faces/{record.keys.denoise}/{chunk_index:06d}.safetensors"


def segment(record: JobRecord, index: int) -> str:
    return f"{work_folder(record.id)}segments/{record.keys.composite}/{index:05d}.mp4"


def output_folder(job_id: str) -> str:
    return f"{OUTPUTS}{job_id}/"


def output(record: JobRecord) -> str:
    return f"{output_folder(record.id)}{record.keys.composite}{record.parameters.output.suffix}"


def report(record: JobRecord) -> str:
    return f"{output_folder(record.id)}{record.keys.composite}.json"


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
