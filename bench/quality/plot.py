"""Curves drawn with OpenCV."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

AXIS = (120, 120, 120)

_GRID = (228, 228, 228)
_INK = (40, 40, 40)
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 46, 8, 26, 34
_SUBPIXEL_BITS = 4

Colour = tuple[int, int, int]


class Plot:
    """A rectangle of an image in which curves are drawn: first `across` and `up`, then `curve`s."""

    def __init__(
        self, image: NDArray[np.uint8], box_xywh: tuple[int, int, int, int], x_label: str, title: str = ""
    ) -> None:
        x, y, width, height = box_xywh
        self._image = image
        self._left, self._right = x + _LEFT_PX, x + width - _RIGHT_PX
        self._top, self._bottom = y + _TOP_PX, y + height - _BOTTOM_PX
        self._x_range = self._y_range = (0.0, 1.0)
        self._legend_px = self._left
        cv2.rectangle(image, (self._left, self._top), (self._right, self._bottom), _GRID, 1)
        text(image, title, (self._left, self._top - 9), 0.5, _INK)
        text(image, x_label, ((self._left + self._right) // 2 - 4 * len(x_label), self._bottom + 30), 0.42, AXIS)

    def across(self, limits: tuple[float, float], ticks: Sequence[float]) -> None:
        self._x_range = limits
        for tick in ticks:
            x = round(float(self._x(tick)))
            cv2.line(self._image, (x, self._top), (x, self._bottom), _GRID, 1)
            text(self._image, f"{tick:g}", (x - 4 * len(f"{tick:g}"), self._bottom + 15), 0.4, AXIS)

    def up(self, limits: tuple[float, float], ticks: Sequence[float]) -> None:
        self._y_range = limits
        for tick in ticks:
            y = round(float(self._y(tick)))
            cv2.line(self._image, (self._left, y), (self._right, y), _GRID, 1)
            text(self._image, f"{tick:.3g}", (self._left - 8 - 8 * len(f"{tick:.3g}"), y + 4), 0.4, AXIS)

    def curve(self, x: NDArray[np.float64], y: NDArray[np.float64], colour: Colour, name: str = "") -> None:
        """Broken where `y` is NaN."""
        known = np.isfinite(y)
        breaks = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
        for part in np.split(np.arange(len(y)), breaks):
            if len(part) and known[part[0]]:
                points = np.column_stack([self._x(x[part]), np.clip(self._y(y[part]), self._top, self._bottom)])
                fixed = np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
                cv2.polylines(self._image, [fixed], False, colour, 2, cv2.LINE_AA, _SUBPIXEL_BITS)
        if name:
            cv2.line(self._image, (self._legend_px, self._top - 13), (self._legend_px + 18, self._top - 13), colour, 2)
            text(self._image, name, (self._legend_px + 24, self._top - 9), 0.42, _INK)
            self._legend_px += 60 + 8 * len(name)

    def _x(self, value: float | NDArray[np.float64]) -> NDArray[np.float64]:
        first, last = self._x_range
        return np.asarray(self._left + (value - first) / max(last - first, 1e-9) * (self._right - self._left))

    def _y(self, value: float | NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._y_range
        return np.asarray(self._bottom - (value - low) / max(high - low, 1e-9) * (self._bottom - self._top))


def text(image: NDArray[np.uint8], line: str, where_xy: tuple[int, int], scale: float, colour: Colour) -> None:
    """ASCII only: OpenCV's fonts have no other letters."""
    cv2.putText(image, line, where_xy, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
