"""Whether a face can be dubbed well."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.face_geometry import crop_quad

Unusable = Literal["face_too_small", "face_turned_away", "face_out_of_frame"]

_LEAST_CROP_WIDTH_PX = 32
_LEAST_INSIDE = 0.5
# In units of the distance between the brows. Frontal faces have about 0.5 and 0; a turn of 70° reaches the limits.
_NOSE_BELOW_BROWS = (0.02, 1.5)
_NOSE_BESIDE_MIDDLE = 1.0


def why_unusable(
    triple: NDArray[np.float64], matrix: NDArray[np.float64], resolution: int, frame_wh: tuple[int, int]
) -> Unusable | None:
    """Why the face with this triple (3×2 px) and alignment (2×3) should rather be left alone; None if it is fine."""
    quad = crop_quad(matrix, resolution)
    if np.linalg.norm(quad[1] - quad[0]) < _LEAST_CROP_WIDTH_PX:
        return "face_too_small"
    if _is_turned_away(triple):
        return "face_turned_away"
    if _share_inside(quad, frame_wh) < _LEAST_INSIDE:
        return "face_out_of_frame"
    return None


def _is_turned_away(triple: NDArray[np.float64]) -> bool:
    left, right, nose = triple
    across = right - left
    to_nose = nose - (left + right) / 2
    square = float(across @ across)
    beside = float(across @ to_nose) / square
    below = float(across[0] * to_nose[1] - across[1] * to_nose[0]) / square
    least, most = _NOSE_BELOW_BROWS
    return not (least <= below <= most and abs(beside) <= _NOSE_BESIDE_MIDDLE)


def _share_inside(quad: NDArray[np.float64], frame_wh: tuple[int, int]) -> float:
    width, height = frame_wh
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) - np.float32(0.5)
    area, _ = cv2.intersectConvexConvex(quad.astype(np.float32), frame)
    return float(area / cv2.contourArea(quad.astype(np.float32)))
