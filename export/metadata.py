"""What an exported network says about itself: its ONNX metadata properties, all under the prefix `lipstage.`."""

from dataclasses import asdict, dataclass
from typing import Literal

import onnx

EXPORTER_VERSION = "1"
"""Raised whenever the exported graphs' inputs, outputs or arithmetic change."""

Precision = Literal["fp32", "fp16"]

_PREFIX = "lipstage."


@dataclass(frozen=True)
class GraphMetadata:
    """The properties of one exported graph; every value is a string in the file."""

    variant: str
    resolution: int
    """Side of the square face the variant works on, px."""
    source_sha256: str
    """SHA-256 of the checkpoint the weights came from."""
    precision: Precision
    note: str = ""
    """One line a user should see before trusting the result; empty for released weights."""
    exporter_version: str = EXPORTER_VERSION


def attach(model: onnx.ModelProto, metadata: GraphMetadata) -> None:
    """Writes `metadata` into the model's metadata properties, in field order."""
    for field, value in asdict(metadata).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = _PREFIX + field, str(value)
