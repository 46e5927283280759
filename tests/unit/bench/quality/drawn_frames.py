"""Frames of a known brightness with a face in a known place."""

import numpy as np
from numpy.typing import NDArray

from bench.quality.speaker_frames import FACE_PX, SpeakerFrame
from services.common.face_geometry import template_triple
from services.common.media.color import ColorTags
from services.common.media.picture import Picture
from services.preprocess.alignment import align_matrix
from services.preprocess.faces.detector import Face

SIDE_PX = 320
BOX_XYXY = np.array([90.0, 80.0, 230.0, 260.0])


def picture(luma_hw: NDArray[np.uint8], index: int = 0) -> Picture:
    """A full-range YUV picture without colour."""
    grey = np.full(luma_hw.shape, 128, np.uint8)
    return Picture(index, index, (luma_hw, grey, grey), "yuv444p", ColorTags(range=2))


def speaker_frame(luma_hw: NDArray[np.uint8], index: int = 0, run: int | None = 0) -> SpeakerFrame:
    """The face's points lie as in the crop, 50 px in from the frame's corner."""
    triple = template_triple(FACE_PX) + 50
    shown = run is not None
    face = Face(triple, BOX_XYXY, 1.0) if shown else None
    matrix = align_matrix(triple, FACE_PX) if shown else None
    rgb_hwc = np.repeat(luma_hw[:, :, None], 3, axis=2)
    return SpeakerFrame(picture(luma_hw, index), rgb_hwc, face, matrix, run)


def flat(level: float, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    return np.full((side_px, side_px), round(level), np.uint8)
