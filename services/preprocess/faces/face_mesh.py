"""FaceMesh: 468 landmarks inside an oriented square around a face (Kartynnik et al., 2019).

Network: 192×192 RGB in [0, 1] → 468×3 in input px, and a presence logit.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.blazeface import Detection
from services.preprocess.faces.tflite_network import TfliteNetwork

_SIDE = 192
_ROI_SCALE = 1.5
_LEFT_EYE_CORNER, _RIGHT_EYE_CORNER = 33, 263


@dataclass(frozen=True, eq=False)
class Roi:
    """A square in the frame that stands upright with the face."""

    centre: NDArray[np.float64]
    side_px: float
    angle_rad: float
    """Of the line from the image-left to the image-right eye."""


@dataclass(frozen=True, eq=False)
class MeshFit:
    landmarks: NDArray[np.float64]
    """468×2 frame px."""
    presence: float
    """Probability that the square holds a face."""


class FaceMesh:
    def __init__(self, model: Path, threads: int) -> None:
        self._network = TfliteNetwork(model, threads)

    def fit(self, rgb_hwc: NDArray[np.uint8], roi: Roi) -> MeshFit:
        to_frame = _to_frame(roi)
        image = _sampled(rgb_hwc, to_frame, roi)
        outputs = self._network(image.astype(np.float32)[None] * np.float32(1 / 255))
        landmarks = next(output for output in outputs if output.size == 468 * 3).reshape(468, 3)
        logit = next(float(output.reshape(-1)[0]) for output in outputs if output.size == 1)
        points = landmarks[:, :2].astype(np.float64) - 0.5  # the network measures from the corner of pixel (0, 0)
        return MeshFit(points @ to_frame[:, :2].T + to_frame[:, 2], float(1 / (1 + np.exp(-np.clip(logit, -80, 80)))))


def roi_from_detection(detection: Detection) -> Roi:
    box = detection.box_xyxy
    return Roi((box[:2] + box[2:]) / 2, float(np.max(box[2:] - box[:2])) * _ROI_SCALE, _angle(*detection.eyes))


def roi_from_landmarks(landmarks: NDArray[np.float64]) -> Roi:
    """Around the landmarks' extent in the face's own axes."""
    angle = _angle(landmarks[_LEFT_EYE_CORNER], landmarks[_RIGHT_EYE_CORNER])
    to_upright = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = landmarks @ to_upright.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    return Roi((low + high) / 2 @ to_upright, float(np.max(high - low)) * _ROI_SCALE, angle)


def _angle(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))


def _to_frame(roi: Roi) -> NDArray[np.float64]:
    """2×3, network input px → frame px."""
    step = roi.side_px / _SIDE
    cosine, sine = np.cos(roi.angle_rad) * step, np.sin(roi.angle_rad) * step
    linear = np.array([[cosine, -sine], [sine, cosine]])
    middle = np.full(2, (_SIDE - 1) / 2)
    return np.column_stack([linear, roi.centre - linear @ middle])


def _sampled(rgb_hwc: NDArray[np.uint8], to_frame: NDArray[np.float64], roi: Roi) -> NDArray[np.uint8]:
    """192×192×3, with the surroundings shrunk first where the face is much larger than the network's input."""
    step = roi.side_px / _SIDE
    matrix = to_frame
    if step > 2:
        reach = roi.side_px * 0.75 + 2
        height, width = rgb_hwc.shape[:2]
        left, top = np.clip((roi.centre - reach).astype(int), 0, (width - 1, height - 1))
        right, bottom = np.clip((roi.centre + reach).astype(int), (left + 1, top + 1), (width, height))
        around = rgb_hwc[top:bottom, left:right]
        size = max(1, round((right - left) / step)), max(1, round((bottom - top) / step))
        rgb_hwc = np.asarray(cv2.resize(around, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        shrink = np.array(size) / (right - left, bottom - top)
        matrix = to_frame.copy()
        matrix[:, 2] -= (left, top)
        matrix *= shrink[:, None]
        matrix[:, 2] += (shrink - 1) / 2
    sampled = cv2.warpAffine(
        rgb_hwc,
        matrix,
        (_SIDE, _SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(sampled, dtype=np.uint8)
