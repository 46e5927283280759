"""What a face is to the rest of preprocessing, and how one is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from services.preprocess.faces.blazeface import BlazeFace, Detection, overlap
from services.preprocess.faces.face_mesh import FaceMesh, MeshFit, Roi, roi_from_detection, roi_from_landmarks
from services.preprocess.faces.fetch import DETECTOR, MESH, verify

_MOST_FACES = 8
_PRESENCE = 0.5
_PRESENCE_FIRST_PASS = 0.1
_SAME_FACE_OVERLAP = 0.5

_LEFT_BROW = (70, 63, 105, 66, 107)
_RIGHT_BROW = (300, 293, 334, 296, 336)
_NOSE = (195, 1, 129, 358)


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame; all coordinates in frame px (x, y)."""

    triple: NDArray[np.float64]
    """3×2: middle of the image-left brow, of the image-right brow, of the nose. Not rounded."""
    box_xyxy: NDArray[np.float64]
    """Tight around the face's landmarks."""
    score: float
    """How sure the detector is that this is a face, 0…1."""
    landmarks: NDArray[np.float64] | None = None
    """468×2 (FaceMesh order), for detectors that have them."""

    @property
    def area_px(self) -> float:
        left, top, right, bottom = self.box_xyxy
        return float((right - left) * (bottom - top))


class FaceDetector(Protocol):
    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        """Faces of one H×W×3 frame, largest first.

        `near` are boxes (x0, y0, x1, y1 px) where a face is expected: one that the whole-frame search misses there is
        searched for in a window of its own. `thorough` also searches tiles when nothing at all was found; slow.
        """
        ...


@runtime_checkable
class FaceFollower(Protocol):
    """A detector that needs no search to see known faces again."""

    def follow(self, rgb_hwc: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face] | None:
        """The `faces` of the frame before as they are in this one, largest first; None unless every one is there."""
        ...


class MeshDetector:
    """BlazeFace (full range) finds faces, FaceMesh-468 places their landmarks in two passes, the second one in the
    box of the first. A face is followed by the mesh alone. Keeps nothing from frame to frame."""

    def __init__(self, directory: Path, threads: int = 1) -> None:
        """`directory` holds the two fetched models. Raises FetchFailed if they are not there."""
        verify(directory)
        self._blazeface = BlazeFace(directory / DETECTOR.name, threads)
        self._mesh = FaceMesh(directory / MESH.name, threads)

    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        faces = self._meshed(rgb_hwc, self._blazeface.search_frame(rgb_hwc), known=[])
        for box in near:
            if all(overlap(box, face.box_xyxy) < 0.1 for face in faces):
                faces += self._meshed(rgb_hwc, self._blazeface.search_near(rgb_hwc, box), faces)
        if thorough and not faces:
            for detections in self._blazeface.search_tiles(rgb_hwc):
                faces = self._meshed(rgb_hwc, detections, known=[])
                if faces:
                    break
        return sorted(faces, key=lambda face: -face.area_px)

    def follow(self, rgb_hwc: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face] | None:
        followed: list[Face] = []
        for known in faces:
            face = None if known.landmarks is None else self._fitted(rgb_hwc, roi_from_landmarks(known.landmarks))
            if face is None or not _is_new(face, followed):
                return None
            followed.append(face)
        return sorted(followed, key=lambda face: -face.area_px)

    def _meshed(self, rgb_hwc: NDArray[np.uint8], detections: list[Detection], known: list[Face]) -> list[Face]:
        """The faces among `detections` that are none of the `known`."""
        found: list[Face] = []
        for detection in detections[:_MOST_FACES]:
            face = self._fitted(rgb_hwc, roi_from_detection(detection))
            if face is not None and _is_new(face, known + found):
                found.append(face)
        return found

    def _fitted(self, rgb_hwc: NDArray[np.uint8], roi: Roi) -> Face | None:
        """The face in `roi`, if there is one."""
        fit = self._mesh.fit(rgb_hwc, roi)
        if fit.presence < _PRESENCE_FIRST_PASS:
            return None
        fit = self._mesh.fit(rgb_hwc, roi_from_landmarks(fit.landmarks))
        return _face(fit) if fit.presence >= _PRESENCE else None


def _is_new(face: Face, known: Sequence[Face]) -> bool:
    return all(overlap(face.box_xyxy, other.box_xyxy) < _SAME_FACE_OVERLAP for other in known)


def _face(fit: MeshFit) -> Face:
    groups = (_LEFT_BROW, _RIGHT_BROW, _NOSE)
    return Face(
        triple=np.stack([fit.landmarks[list(group)].mean(axis=0) for group in groups]),
        box_xyxy=np.concatenate([fit.landmarks.min(axis=0), fit.landmarks.max(axis=0)]),
        score=fit.presence,
        landmarks=fit.landmarks,
    )
