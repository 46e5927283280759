"""A lip-sync network as two ONNX towers, one that sees mouths and one that hears.

Two kinds are told apart by the shape of what they see: LatentSync's StableSyncNet (latentsync.md §9), an image of 16
lower halves of faces, and SyncNet of Chung & Zisserman (§10), a clip of 5 mouths.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from bench.quality import mfcc, sync_mel
from bench.quality.frame_rate import SYNC_FPS
from services.common.errors import ModelError, ModelMissing
from services.common.media.audio import SAMPLE_RATE_HZ

VISUAL: Final = "syncnet_visual"
AUDIO: Final = "syncnet_audio"

_STABLE_STRIDE_FRAMES = 4
"""Windows of 16 frames overlap: every fourth one tells as much as all of them."""


def find_towers(directory: Path) -> tuple[Path, Path] | None:
    """The visual and the audio tower, as `NAME/VERSION/model.onnx` (a model repository) or `NAME.onnx`."""
    found = [_tower(directory, name) for name in (VISUAL, AUDIO)]
    return (found[0], found[1]) if found[0] and found[1] else None


def open_sync_network(directory: Path) -> "SyncNetwork":
    """Raises ModelMissing, ModelError (not an ONNX file, or neither kind of network)."""
    towers = find_towers(directory)
    if towers is None:
        raise ModelMissing(
            f"There is no lip-sync network in {directory}: {VISUAL} and {AUDIO} are needed.", directory=str(directory)
        )
    visual, audio = (_session(path) for path in towers)
    sees, hears = tuple(visual.get_inputs()[0].shape), tuple(audio.get_inputs()[0].shape)
    match sees, hears:
        case (_, int(channels), int(height), int(width)), (_, 1, int(bands), int(columns)) if (
            channels % 3 == 0 and bands == sync_mel.MEL_BANDS
        ):
            return StableSyncNet(visual, audio, channels // 3, (width, height), columns)
        case (_, 3, int(frames), int(height), int(width)), (_, 1, int(bands), int(columns)) if (
            bands == mfcc.COEFFICIENTS
        ):
            return ChungSyncNet(visual, audio, frames, (width, height), columns)
    raise ModelError(
        f"{towers[0]} and {towers[1]} are no lip-sync network that is known: they take {sees} and {hears}.",
        directory=str(directory),
    )


@dataclass(frozen=True, eq=False)
class SyncNetwork(ABC):
    name: ClassVar[str]
    stride_frames: ClassVar[int]
    columns_per_s: ClassVar[int]
    unheard: ClassVar[float]
    """What stands in an embedding of sound beyond the ends: zeros as published, or NaN for nothing."""

    visual: ort.InferenceSession
    audio: ort.InferenceSession
    window_frames: int
    size_wh: tuple[int, int]
    """Of the images it sees, px."""
    window_columns: int
    """Of the spectrum it hears."""

    @property
    def description(self) -> str:
        width, height = self.size_wh
        note = self.visual.get_modelmeta().custom_metadata_map.get("lipstage.note", "")
        return f"{self.name}, {self.window_frames} frames of {width}×{height}" + (f" ({note})" if note else "")

    @abstractmethod
    def spectrum(self, pcm_int16: NDArray[np.int16]) -> NDArray[np.floating]:
        """[bands, columns] of the whole sound."""

    @abstractmethod
    def stacked(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """What the visual tower takes, from `window_frames` RGB images of `size_wh`."""

    def see(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """[d], the embedding of `window_frames` RGB images of `size_wh`."""
        return self._embedding(self.visual, self.stacked(images))

    def hear(self, spectrum: NDArray[np.floating], tick: int) -> NDArray[np.float32] | None:
        """[d], the embedding of the sound from this moment of the 25 fps clock on; None where it does not reach."""
        first = tick * self.columns_per_s // SYNC_FPS
        if first < 0 or first + self.window_columns > spectrum.shape[1]:
            return None
        window = spectrum[:, first : first + self.window_columns]
        return self._embedding(self.audio, np.ascontiguousarray(window[None, None], np.float32))

    @staticmethod
    def _embedding(session: ort.InferenceSession, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            output = session.run(None, {session.get_inputs()[0].name: batch})[0]
        except Exception as error:  # ONNX Runtime raises bare classes of its own, one per status code
            raise ModelError(f"The lip-sync network failed: {error}") from error
        return np.asarray(output, np.float32).reshape(-1)


@dataclass(frozen=True, eq=False)
class StableSyncNet(SyncNetwork):
    """Lower halves of aligned faces, RGB in [−1, 1], frame by frame in the channels; embeddings of unit length."""

    name = "StableSyncNet"
    stride_frames = _STABLE_STRIDE_FRAMES
    unheard = float("nan")
    columns_per_s = sync_mel.FRAMES_PER_S

    def spectrum(self, pcm_int16: NDArray[np.int16]) -> NDArray[np.floating]:
        return sync_mel.sync_mel(pcm_int16)

    def stacked(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        channels = np.concatenate([image.transpose(2, 0, 1) for image in images])
        return np.asarray(channels[None] / np.float32(127.5) - 1, np.float32)


@dataclass(frozen=True, eq=False)
class ChungSyncNet(SyncNetwork):
    """Mouths and their surroundings, BGR in 0…255; Euclidean distances as published."""

    name = "SyncNet"
    stride_frames = 1
    unheard = 0.0
    columns_per_s = SAMPLE_RATE_HZ // mfcc.HOP_SAMPLES

    def spectrum(self, pcm_int16: NDArray[np.int16]) -> NDArray[np.floating]:
        return mfcc.mfcc(pcm_int16).T

    def stacked(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        bgr_tchw = np.stack([image[:, :, ::-1].transpose(2, 0, 1) for image in images])
        return np.ascontiguousarray(bgr_tchw.transpose(1, 0, 2, 3)[None], np.float32)


def lower_half(face_rgb: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The lower half of an aligned face, [height, width, 3]."""
    half = face_rgb[face_rgb.shape[0] // 2 :]
    return np.asarray(cv2.resize(half, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _tower(directory: Path, name: str) -> Path | None:
    candidates = [*sorted((directory / name).glob("*/model.onnx")), directory / f"{name}.onnx"]
    return next((path for path in candidates if path.is_file()), None)


def _session(path: Path) -> ort.InferenceSession:
    available = ort.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    options = ort.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(path, options, providers=providers)
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded: {error}", path=str(path)) from error
