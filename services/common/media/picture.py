"""One decoded frame, and the two things done to it: looking at it in RGB and blending a face into it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.media.color import ColorTags
from services.common.media.formats import PlaneLayout, WorkingFormat, layout_of
from services.common.media.planes import FAST, Plane, convert, frame_of, planes_of, rgb_frame_of, rgb_of

Rounding = Literal["nearest", "truncate"]

_CONTEXT_PX = 4
"""Margin converted around a region of interest, so that its chroma is interpolated as in the whole picture."""


@dataclass(frozen=True)
class Roi:
    """A rectangle of source pixels: columns x … x+w−1, rows y … y+h−1."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        return self.x + self.w

    @property
    def bottom(self) -> int:
        return self.y + self.h

    def clipped(self, width: int, height: int) -> "Roi":
        """The part inside a width×height picture; may be empty (w or h = 0)."""
        x, y = min(max(self.x, 0), width), min(max(self.y, 0), height)
        right, bottom = min(max(self.right, x), width), min(max(self.bottom, y), height)
        return Roi(x, y, right - x, bottom - y)

    def grown(self, margin_px: int) -> "Roi":
        return Roi(self.x - margin_px, self.y - margin_px, self.w + 2 * margin_px, self.h + 2 * margin_px)

    def aligned(self, step_x: int, step_y: int) -> "Roi":
        """The smallest rectangle around this one whose edges are multiples of the steps."""
        x, y = self.x - self.x % step_x, self.y - self.y % step_y
        return Roi(x, y, -(-(self.right - x) // step_x) * step_x, -(-(self.bottom - y) // step_y) * step_y)

    def slices(self, step_x: int = 1, step_y: int = 1) -> tuple[slice, slice]:
        """Rows and columns of an aligned rectangle in a plane with one sample per step_x × step_y pixels."""
        return (
            slice(self.y // step_y, self.bottom // step_y),
            slice(self.x // step_x, self.right // step_x),
        )


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded frame, upright, in a planar working format. Its planes are never changed in place.

    `planes` are Y, U, V (or G, B, R), h×w each in its own resolution, uint8 or (10-bit formats) uint16; rows may be
    padded in memory. `index` counts source frames in display order; `pts` is in the source's time base, 0 at the
    first frame.
    """

    index: int
    pts: int
    planes: tuple[Plane, ...]
    format: WorkingFormat
    color: ColorTags

    @property
    def width(self) -> int:
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        return int(self.planes[0].shape[0])

    def rgb(self, roi: Roi | None = None) -> NDArray[np.uint8]:
        """RGB h×w×3 uint8, rows possibly padded in memory, by the picture's own matrix and range. Not to be changed.

        A `roi` (inside the picture, not empty) is converted accurately: what is seen there may be painted back. The
        whole picture is converted fast, for detectors and previews: YUV comes out up to three levels darker than
        in a region, and its chroma is not interpolated.
        """
        layout = layout_of(self.format)
        if layout.is_rgb:
            return _interleaved([plane[(roi or self._bounds).slices()] for plane in self.planes])
        if roi is None:
            frame = frame_of(self.planes, self.format)
            return rgb_of(convert(frame, "rgb24", self.color, self.height, interpolation=FAST))
        box = self._aligned_box(roi.grown(_CONTEXT_PX), layout)
        frame = frame_of([plane[box.slices(*layout.steps(i))] for i, plane in enumerate(self.planes)], self.format)
        inner = Roi(roi.x - box.x, roi.y - box.y, roi.w, roi.h).slices()
        gbr = planes_of(convert(frame, "gbrp", self.color, self.height), "gbrp")
        return _interleaved([plane[inner] for plane in gbr])

    def converted(self, working_format: WorkingFormat) -> "Picture":
        """This picture in another working format, accurately."""
        if working_format == self.format:
            return self
        frame = convert(frame_of(self.planes, self.format), working_format, self.color, self.height)
        return replace(self, planes=planes_of(frame, working_format), format=working_format)

    def blended(
        self,
        roi: Roi,
        face_rgb: NDArray[np.float32],
        alpha: NDArray[np.float32],
        rounding: Rounding = "nearest",
    ) -> "Picture":
        """This picture with alpha·face + (1−alpha)·picture inside `roi`.

        `face_rgb` is h×w×3 float32 in 0…255, `alpha` h×w float32 in 0…1, `roi` lies inside the picture and may be
        empty. A sample changes only where its alpha is above 0; a chroma sample's alpha is the mean over the pixels
        it covers. In YUV the face is rounded to 8 bits and converted by the picture's own matrix and range first.
        `rounding` says how blended samples become integers (the reference truncates).
        """
        layout = layout_of(self.format)
        if not (roi.w and roi.h):
            return self
        if layout.is_rgb:
            face_planes: tuple[NDArray[np.generic], ...] = tuple(face_rgb[:, :, channel] for channel in (1, 2, 0))
            return self._with_samples(roi, face_planes, alpha, layout, rounding)
        box = self._aligned_box(roi, layout)
        pad_rows = (roi.y - box.y, box.bottom - roi.bottom)
        pad_columns = (roi.x - box.x, box.right - roi.right)
        face_u8 = np.rint(face_rgb).clip(0, 255).astype(np.uint8)
        box_face = cv2.copyMakeBorder(face_u8, *pad_rows, *pad_columns, cv2.BORDER_REPLICATE)
        face_frame = convert(rgb_frame_of(np.asarray(box_face, np.uint8)), self.format, self.color, self.height)
        box_alpha = cv2.copyMakeBorder(alpha, *pad_rows, *pad_columns, cv2.BORDER_CONSTANT, value=0)
        return self._with_samples(
            box, planes_of(face_frame, self.format), np.asarray(box_alpha, np.float32), layout, rounding
        )

    def _with_samples(
        self,
        box: Roi,
        face_planes: tuple[NDArray[np.generic], ...],
        alpha: NDArray[np.float32],
        layout: PlaneLayout,
        rounding: Rounding,
    ) -> "Picture":
        chroma_alpha = mean_over_steps(alpha, layout.chroma_step_x, layout.chroma_step_y)
        planes = []
        for index, (plane, face) in enumerate(zip(self.planes, face_planes, strict=True)):
            target: Plane = plane.copy()
            region = target[box.slices(*layout.steps(index))]
            region[:] = blend_samples(region, face, chroma_alpha if index else alpha, rounding, layout.bits)
            target.flags.writeable = False
            planes.append(target)
        return replace(self, planes=tuple(planes))

    def _aligned_box(self, roi: Roi, layout: PlaneLayout) -> Roi:
        return roi.clipped(self.width, self.height).aligned(layout.chroma_step_x, layout.chroma_step_y)

    @property
    def _bounds(self) -> Roi:
        return Roi(0, 0, self.width, self.height)


def _interleaved(gbr_planes: Sequence[Plane]) -> NDArray[np.uint8]:
    green, blue, red = gbr_planes
    return np.asarray(cv2.merge((red, green, blue)), np.uint8)


def blend_samples(
    samples: Plane,
    face: NDArray[np.generic],
    alpha: NDArray[np.float32],
    rounding: Rounding,
    bits: int,
) -> Plane:
    """alpha·face + (1−alpha)·samples in float32, as integers of `bits`; all arrays h×w. Exact where alpha is 0."""
    blended = alpha * face.astype(np.float32)
    blended += (np.float32(1) - alpha) * samples.astype(np.float32)
    if rounding == "nearest":
        np.rint(blended, out=blended)
    return np.asarray(blended.clip(0, (1 << bits) - 1).astype(samples.dtype))


def mean_over_steps(alpha: NDArray[np.float32], step_x: int, step_y: int) -> NDArray[np.float32]:
    """Mean of h×w alpha over blocks of step_x × step_y pixels; h and w are multiples of the steps."""
    if step_x == 1 and step_y == 1:
        return alpha
    offsets = [(y, x) for y in range(step_y) for x in range(step_x)]
    total = sum((alpha[y::step_y, x::step_x] for y, x in offsets), start=np.float32(0))
    return np.asarray(total / np.float32(len(offsets)))
