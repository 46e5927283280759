"""What a head is drawn with: a canvas in head units, shapes, and the light that turns a height field into a form.

A head unit is about half the height of a head. The origin lies between the eyes, y points down. Colours are linear
light 0…1 unless they are called sRGB.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]
Srgb = tuple[float, float, float]
"""Red, green, blue, 0…255."""

WRAP_RGB = np.array([0.42, 0.26, 0.20], np.float32)
"""How far light creeps past the terminator; more in red, as it does in skin."""

_KNEE = 0.55


@dataclass(frozen=True)
class Canvas:
    """A rectangle of the plane, sampled at pixel centres."""

    left: float
    top: float
    width_px: int
    height_px: int
    px_per_unit: float

    @classmethod
    def spanning(cls, left: float, top: float, right: float, bottom: float, px_per_unit: float) -> "Canvas":
        return cls(left, top, round((right - left) * px_per_unit), round((bottom - top) * px_per_unit), px_per_unit)

    def matrix(self) -> NDArray[np.float64]:
        """3×3, units → px of this canvas (pixel centres at integers)."""
        scale = self.px_per_unit
        return np.array([[scale, 0, -self.left * scale - 0.5], [0, scale, -self.top * scale - 0.5], [0, 0, 1]])

    def axes(self) -> tuple[Image, Image]:
        """x of the columns as 1×W and y of the rows as H×1, units, float32."""
        x = self.left + (np.arange(self.width_px, dtype=np.float32) + np.float32(0.5)) / np.float32(self.px_per_unit)
        y = self.top + (np.arange(self.height_px, dtype=np.float32) + np.float32(0.5)) / np.float32(self.px_per_unit)
        return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]

    def grid(self) -> tuple[Image, Image]:
        """x and y of every pixel, H×W."""
        x, y = self.axes()
        shape = (self.height_px, self.width_px)
        return np.broadcast_to(x, shape).copy(), np.broadcast_to(y, shape).copy()

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns of a rectangle given in units, clipped to the canvas."""
        columns = np.clip(np.round((np.array([left, right]) - self.left) * self.px_per_unit), 0, self.width_px)
        rows = np.clip(np.round((np.array([top, bottom]) - self.top) * self.px_per_unit), 0, self.height_px)
        return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))

    def part(self, at: tuple[slice, slice]) -> "Canvas":
        """The canvas of a window of this one."""
        rows, columns = at
        left, top = self.left + columns.start / self.px_per_unit, self.top + rows.start / self.px_per_unit
        return Canvas(left, top, columns.stop - columns.start, rows.stop - rows.start, self.px_per_unit)

    def polygon(self, points: Image) -> Image:
        """Anti-aliased coverage 0…1 of a polygon given in units, H×W."""
        mask = np.zeros((self.height_px, self.width_px), np.uint8)
        matrix = self.matrix()
        px = points @ matrix[:2, :2].T + matrix[:2, 2]
        cv2.fillPoly(mask, [np.round(px * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
        return mask.astype(np.float32) / np.float32(255)

    def stroke(self, points: Image, thickness: float) -> Image:
        """Anti-aliased coverage 0…1 of an open line of `thickness` units, H×W."""
        mask = np.zeros((self.height_px, self.width_px), np.uint8)
        matrix = self.matrix()
        px = points @ matrix[:2, :2].T + matrix[:2, 2]
        width_px = max(1, round(thickness * self.px_per_unit))
        cv2.polylines(mask, [np.round(px * 16).astype(np.int32)], False, 255, width_px, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / np.float32(255)

    def blurred(self, image: Image, sigma: float) -> Image:
        return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma * self.px_per_unit), np.float32)


@dataclass(frozen=True)
class Light:
    """A key light, a fill light from the other side, and the sky."""

    key_xyz: tuple[float, float, float]
    key_rgb: tuple[float, float, float]
    fill_rgb: tuple[float, float, float]
    ambient_rgb: tuple[float, float, float]


def shaded(albedo: Image, z: Image, gloss: Image | float, light: Light, px_per_unit: float) -> Image:
    """Lights a height field (units): soft diffuse light, sky light, and a broad highlight scaled by `gloss`."""
    dy, dx = np.gradient(z, 1 / px_per_unit)
    steep = np.sqrt(dx * dx + dy * dy + 1)
    nx, ny, nz = -dx / steep, -dy / steep, 1 / steep
    key = np.array(light.key_xyz, np.float32) / np.linalg.norm(light.key_xyz)
    fill = key * np.array([-1, 0.3, 1], np.float32)
    total = np.array(light.ambient_rgb, np.float32) * (0.78 - 0.22 * ny)[..., None]
    for (x, y, towards), colour in ((key, light.key_rgb), (fill, light.fill_rgb)):
        facing = (nx * x + ny * y + nz * towards)[..., None]
        total = total + np.array(colour, np.float32) * np.clip((facing + WRAP_RGB) / (1 + WRAP_RGB), 0, None) ** 1.25
    half = key + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(nx * half[0] + ny * half[1] + nz * half[2], 0, 1)
    highlight = (0.10 * shine**12 + 0.16 * shine**48) * gloss
    return np.asarray(albedo * total + (highlight * np.mean(light.key_rgb))[..., None], np.float32)


def linear(colour: Srgb) -> Image:
    return ((np.array(colour) / 255) ** 2.2).astype(np.float32)


def srgb(image: Image) -> Image:
    """Linear light → 0…255; what would be too bright is bent below white."""
    bright = _KNEE + (1 - _KNEE) * np.tanh((image - _KNEE) / (1 - _KNEE))
    image = np.where(image > _KNEE, bright, image)
    return np.asarray(np.clip(image, 0, 1) ** np.float32(1 / 2.2) * 255, np.float32)


def mix(below: Image, colour: Image, alpha: Image) -> Image:
    return np.asarray(below + (colour - below) * alpha[..., None], np.float32)


def bump(x: Image, y: Image, cx: float, cy: float, sx: float, sy: float) -> Image:
    """A Gaussian hill of height 1."""
    return np.asarray(np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2)))


def pair(x: Image, y: Image, cx: float, cy: float, sx: float, sy: float) -> Image:
    """The same hill on both sides of the face."""
    return bump(np.abs(x), y, cx, cy, sx, sy)


def ramp(value: Image, start: float, end: float) -> Image:
    """0 before `start`, 1 after `end`, smooth between."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def spline(points: Image | list[tuple[float, float]], count: int) -> Image:
    """A Catmull-Rom curve through `points`, `count`×2."""
    given = np.asarray(points, np.float64)
    p = np.concatenate([given[:1], given, given[-1:]])
    at = np.linspace(0, len(given) - 1 - 1e-9, count)
    i = at.astype(int)
    t = (at - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve, np.float32)


def mirrored(right_half: Image) -> Image:
    """A curve from top to bottom on the right, closed by its mirror image on the left."""
    return np.concatenate([right_half, right_half[::-1] * np.array([-1, 1], np.float32)])
