"""Where in a frame the dubbed face was blended in."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench.quality.speaker_frames import FACE_PX
from services.common.face_geometry import crop_size_wh
from services.common.media.picture import Roi
from services.common.messages import Mode
from services.composite.paste import studio_patch
from services.composite.soft_mask import soft_mask


@dataclass(frozen=True, eq=False)
class BlendArea:
    """The dubbed face's weight `alpha`, h×w float32 in 0…1, over the frame's rectangle `roi`; 0 everywhere else."""

    roi: Roi
    alpha: NDArray[np.float32]


def blend_area(matrix: NDArray[np.float64], frame_size_wh: tuple[int, int], mode: Mode) -> BlendArea:
    """What a dub in this mode blends into a frame whose face is aligned by `matrix` (2×3, frame px → crop px of a face
    of FACE_PX)."""
    if mode == "reference":
        mask = soft_mask(matrix, crop_size_wh(FACE_PX), frame_size_wh)
        return BlendArea(mask.roi, mask.soft)
    patch = studio_patch(_blank_face(), matrix, FACE_PX, frame_size_wh)
    return BlendArea(patch.roi, patch.alpha)


@cache
def _blank_face() -> NDArray[np.uint8]:
    return np.zeros((FACE_PX, FACE_PX, 3), np.uint8)
