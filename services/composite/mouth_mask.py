"""How much of a generated face replaces the source, in the face's own pixels: the mouth region with a soft edge."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.face_mask import face_mask

_FEATHER = 1 / 16
"""Width of the soft edge as a part of the face's side."""


@dataclass(frozen=True, eq=False)
class MouthMask:
    """`alpha` is R×R float32, 0 = source, 1 = generated, read-only; it is above 0 only inside the box (first and
    last pixel centres, px)."""

    alpha: NDArray[np.float32]
    box_ltrb: tuple[int, int, int, int]


@cache
def mouth_mask(resolution: int) -> MouthMask:
    """The mask of the networks' generated region, feathered inwards.

    Exactly 0 on every pixel that the networks were told to keep and on its neighbours, so that sampling between
    pixels cannot reach the kept part either; then a smoothstep of R/16 px.
    """
    generated = face_mask(resolution) < 0.5
    depth_px = cv2.distanceTransform(generated.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip((depth_px - np.sqrt(2)) / (_FEATHER * resolution), 0, 1)
    alpha = (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    alpha.flags.writeable = False
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    return MouthMask(alpha, (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])))
