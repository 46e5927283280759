"""The files stages hand to each other, as safetensors: chunks, segment manifests and faces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

PASSED_THROUGH = -1


@dataclass(frozen=True)
class Chunk:
    """What denoising needs of at most 16 frames."""

    faces: NDArray[np.uint8]
    """Aligned source faces, F×R×R×3 RGB."""
    frames: NDArray[np.int64]
    """Output frame of each row, [F]."""
    context: int
    """Leading rows that another chunk delivers; here they only give the networks a full window."""
    audio_rows: NDArray[np.float32]
    """The stretch of Whisper features the frames draw on, [rows, layers + 1, D]."""
    audio_index: NDArray[np.int64]
    """Rows of each frame's audio window, [F, 10]."""

    @property
    def audio_tokens(self) -> NDArray[np.float32]:
        """[F, 10·(layers + 1), D], time-major and layer-minor."""
        windows = self.audio_rows[self.audio_index]
        frames, times, layers, width = windows.shape
        return windows.reshape(frames, times * layers, width)


class Outcome(IntEnum):
    """Why an output frame is dubbed or passes through."""

    DUBBED = 0
    NO_FACE = 1
    SPEAKER_ABSENT = 2
    FACE_TOO_SMALL = 3
    FACE_TURNED_AWAY = 4
    FACE_OUT_OF_FRAME = 5
    NOT_WANTED = 6


@dataclass(frozen=True)
class Manifest:
    """What compositing needs of one segment: arrays with one element per output frame of the segment."""

    first_frame: int
    time_base: Fraction
    source: NDArray[np.int64]
    pts: NDArray[np.int64]
    next_pts: int
    """Where the frame after the segment starts."""
    chunk: NDArray[np.int64]
    """Chunk that holds the frame's face, or PASSED_THROUGH."""
    row: NDArray[np.int64]
    matrices: NDArray[np.float64]
    """Frame px → crop px, [n, 2, 3]; NaN where the frame passes through."""
    outcome: NDArray[np.int64]
    track: NDArray[np.int64]
    """Face track, or −1."""

    @property
    def chunks(self) -> tuple[int, ...]:
        return tuple(int(c) for c in np.unique(self.chunk) if c != PASSED_THROUGH)


def dump_chunk(chunk: Chunk) -> bytes:
    arrays: dict[str, NDArray[Any]] = {
        "faces": chunk.faces,
        "frames": chunk.frames,
        "audio_rows": chunk.audio_rows,
        "audio_index": chunk.audio_index,
    }
    return save(_contiguous(arrays), {"context": str(chunk.context)})


def load_chunk(path: Path) -> Chunk:
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return Chunk(**arrays, context=int(file.metadata()["context"]))


def dump_manifest(manifest: Manifest) -> bytes:
    arrays = {
        name: getattr(manifest, name) for name in ("source", "pts", "chunk", "row", "matrices", "outcome", "track")
    }
    scalars = {
        "first_frame": manifest.first_frame,
        "next_pts": manifest.next_pts,
        "time_base": [manifest.time_base.numerator, manifest.time_base.denominator],
    }
    return save(_contiguous(arrays), {"scalars": json.dumps(scalars)})


def load_manifest(path: Path) -> Manifest:
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        scalars = json.loads(file.metadata()["scalars"])
    return Manifest(
        **arrays,
        first_frame=scalars["first_frame"],
        next_pts=scalars["next_pts"],
        time_base=Fraction(*scalars["time_base"]),
    )


def dump_faces(faces_fchw: NDArray[np.uint8] | NDArray[np.float32]) -> bytes:
    """Dubbed faces F×3×R×R: uint8 0..255 in studio mode, float32 in about [−1, 1] in reference mode."""
    return save(_contiguous({"faces": faces_fchw}))


def load_faces(path: Path) -> NDArray[np.uint8] | NDArray[np.float32]:
    with safe_open(path, framework="numpy") as file:
        faces: NDArray[np.uint8] | NDArray[np.float32] = file.get_tensor("faces")
    return faces


def _contiguous(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}
