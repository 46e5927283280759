"""From three points of a face to the 2×3 similarity transform that puts it into its crop."""

import numpy as np
from numpy.typing import NDArray

from services.common.face_geometry import template_triple

_LEFT_BROW_106 = (43, 48, 49, 51, 50)
_RIGHT_BROW_106 = (101, 102, 103, 104, 105)
_NOSE_106 = (74, 77, 83, 86)

_BIAS_KEPT = 0.2


def triple_from_106(landmarks: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float64]:
    """106×2 px landmarks (InsightFace order) → 3×2 px, rounded twice as the reference does: first the landmarks,
    then the three means."""
    rounded = np.round(np.asarray(landmarks, dtype=np.float64))
    means = [rounded[list(group)].mean(axis=0) for group in (_LEFT_BROW_106, _RIGHT_BROW_106, _NOSE_106)]
    return np.round(np.stack(means))


def align_matrix(triple: NDArray[np.float64], resolution: int) -> NDArray[np.float64]:
    """2×3 similarity, frame px → crop px, that brings `triple` (3×2 px) to the template of `resolution`.

    Rotation by orthogonal Procrustes; the scale is the ratio of the two triples' spreads (standard deviation of the
    six pooled coordinates), which is not the least-squares scale. Raises ValueError if the points coincide.
    """
    centred, centre, spread = _normalised(np.asarray(triple, dtype=np.float64))
    template_centred, template_centre, template_spread = _normalised(template_triple(resolution))
    cross = float(np.sum(centred[:, 0] * template_centred[:, 1] - centred[:, 1] * template_centred[:, 0]))
    dot = float(np.sum(centred * template_centred))
    angle = np.arctan2(cross, dot)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation * (template_spread / spread)
    return np.column_stack([linear, template_centre - linear @ centre])


class ReferenceAlignment:
    """The reference's alignment with its memory from frame to frame: an exponential average of how far the nose is
    from the template's, in normalised units, is added to the translation in pixels. One object per video."""

    def __init__(self, resolution: int) -> None:
        self._resolution = resolution
        self._nose_offset: NDArray[np.float64] | None = None

    def matrix(self, triple: NDArray[np.float64]) -> NDArray[np.float64]:
        """2×3, frame px → crop px, for the next face in frame order. Raises ValueError if the points coincide."""
        centred, _, _ = _normalised(np.round(triple))
        template_centred, _, _ = _normalised(template_triple(self._resolution))
        nose_offset = template_centred[2] - centred[2]
        if self._nose_offset is not None:
            nose_offset = _BIAS_KEPT * self._nose_offset + (1 - _BIAS_KEPT) * nose_offset
        self._nose_offset = nose_offset
        matrix = align_matrix(np.round(triple), self._resolution)
        matrix[:, 2] += nose_offset
        return matrix


def _normalised(triple: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Centred points divided by their spread, their centre, their spread."""
    centre = triple.mean(axis=0)
    centred = triple - centre
    spread = float(centred.std(ddof=1))
    if spread < 1e-6:
        raise ValueError("The three points of the face coincide.")
    return centred / spread, centre, spread
