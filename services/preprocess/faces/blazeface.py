"""BlazeFace full range: coarse face boxes with eyes, in a whole frame, around a place, or in tiles.

Network: 192×192 RGB in [−1, 1] → 2304 cells of a 48×48 grid, each a score logit and 8 points (box centre, box size,
six key points) in input px relative to the cell's centre (Bazarevsky et al., "BlazeFace", 2019).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.tflite_network import TfliteNetwork

_SIDE = 192
_CELLS = 48
_SCORE = 0.5
_SAME_FACE = 0.3
_SMALLEST_TILE = 160
_NEAR_WINDOW = 3.0
_SAMPLES_ACROSS = 4


@dataclass(frozen=True, eq=False)
class Detection:
    score: float
    box_xyxy: NDArray[np.float64]
    """Frame px, about square: brows to chin."""
    eyes: NDArray[np.float64]
    """2×2 frame px: image-left eye, image-right eye of an upright face."""


class BlazeFace:
    def __init__(self, model: Path, threads: int) -> None:
        self._network = TfliteNetwork(model, threads)
        centres = (np.arange(_CELLS) + 0.5) / _CELLS
        self._cell_centres = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)

    def search_frame(self, rgb_hwc: NDArray[np.uint8]) -> list[Detection]:
        """Best first. Finds faces down to about a tenth of the frame's long side."""
        height, width = rgb_hwc.shape[:2]
        return self._search_window(rgb_hwc, 0, 0, width, height)

    def search_near(self, rgb_hwc: NDArray[np.uint8], box_xyxy: NDArray[np.float64]) -> list[Detection]:
        """Best first, in a window three times the size of the box around it."""
        height, width = rgb_hwc.shape[:2]
        centre = (box_xyxy[:2] + box_xyxy[2:]) / 2
        half = _NEAR_WINDOW / 2 * float(np.max(box_xyxy[2:] - box_xyxy[:2]))
        left, top = np.maximum(np.floor(centre - half).astype(int), 0)
        right, bottom = np.minimum(np.ceil(centre + half).astype(int), (width, height))
        if right - left < 2 or bottom - top < 2:
            return []
        return self._search_window(rgb_hwc, left, top, right - left, bottom - top)

    def search_tiles(self, rgb_hwc: NDArray[np.uint8]) -> Iterator[list[Detection]]:
        """Ever smaller square tiles with 50 % overlap; one list per tile size, best first."""
        height, width = rgb_hwc.shape[:2]
        for parts in (1, 2, 3):
            side = min(height, width) // parts
            if side < _SMALLEST_TILE:
                return
            found: list[Detection] = []
            for top in _tile_starts(height, side):
                for left in _tile_starts(width, side):
                    found += self._search_window(rgb_hwc, left, top, side, side)
            yield _without_duplicates(found)

    def _search_window(
        self, rgb_hwc: NDArray[np.uint8], left: int, top: int, width: int, height: int
    ) -> list[Detection]:
        window = rgb_hwc[top : top + height, left : left + width]
        image, scale, pad_x, pad_y = _letterboxed(window)
        first, second = self._network(image.astype(np.float32)[None] * np.float32(2 / 255) - 1)
        values, logits = (first, second) if first.shape[-1] == 16 else (second, first)
        scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1).astype(np.float64), -80, 80)))
        likely = np.flatnonzero(scores > _SCORE)
        points = values.reshape(-1, 8, 2)[likely].astype(np.float64)
        cells = self._cell_centres[likely] * _SIDE
        centre, half_size, eyes = points[:, 0] + cells, points[:, 1] / 2, points[:, 2:4] + cells[:, None]
        boxes = np.concatenate([centre - half_size, centre + half_size], axis=1)
        offset = np.array([left - pad_x / scale, top - pad_y / scale])
        return [
            Detection(score, (box.reshape(2, 2) / scale + offset).reshape(4), eye / scale + offset)
            for score, box, eye in _merged(scores[likely], boxes, eyes)
        ]


def overlap(a_xyxy: NDArray[np.float64], b_xyxy: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes."""
    return float(_overlaps(a_xyxy, b_xyxy[None])[0])


def _overlaps(box_xyxy: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box with each of n×4."""
    sides = np.minimum(box_xyxy[2:], boxes[:, 2:]) - np.maximum(box_xyxy[:2], boxes[:, :2])
    intersection = np.prod(np.maximum(sides, 0), axis=1)
    union = np.prod(box_xyxy[2:] - box_xyxy[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - intersection
    return np.asarray(intersection / np.maximum(union, 1e-9), dtype=np.float64)


def _letterboxed(window: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, int, int]:
    """192×192 with the window centred on black; the scale used and the padding left and above, px."""
    height, width = window.shape[:2]
    scale = _SIDE / max(height, width)
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    pad_x, pad_y = (_SIDE - inner_width) // 2, (_SIDE - inner_height) // 2
    image = np.zeros((_SIDE, _SIDE, 3), dtype=np.uint8)
    if scale < 1 / _SAMPLES_ACROSS:  # averaging a 4×4 grid of pixels per output pixel is far quicker than all of them
        size = inner_width * _SAMPLES_ACROSS, inner_height * _SAMPLES_ACROSS
        window = np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(window, (inner_width, inner_height), interpolation=how)
    image[pad_y : pad_y + inner_height, pad_x : pad_x + inner_width] = resized
    return image, scale, pad_x, pad_y


def _merged(
    scores: NDArray[np.float64], boxes: NDArray[np.float64], eyes: NDArray[np.float64]
) -> Iterator[tuple[float, NDArray[np.float64], NDArray[np.float64]]]:
    """Weighted non-maximum suppression: overlapping boxes are averaged by score under the best one's score."""
    order = np.argsort(-scores, kind="stable")
    while order.size:
        best = order[0]
        same = _overlaps(boxes[best], boxes[order]) > _SAME_FACE
        same[0] = True
        group = order[same]
        weights = scores[group] / scores[group].sum()
        yield float(scores[best]), weights @ boxes[group], np.tensordot(weights, eyes[group], axes=1)
        order = order[~same]


def _without_duplicates(detections: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda found: -found.score):
        if all(overlap(detection.box_xyxy, other.box_xyxy) < _SAME_FACE for other in kept):
            kept.append(detection)
    return kept


def _tile_starts(length: int, side: int) -> list[int]:
    return sorted({*range(0, length - side + 1, max(1, side // 2)), length - side})
