"""What the drawing is made with: canvas, shapes, and the light that turns a height field into a form.

Lengths are in *units*: half the height of the head. The origin lies between the eyes, y points down.
Colours are linear light, 0…1.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]

WIDTH_PX, HEIGHT_PX = 640, 480
SUPERSAMPLING = 3
UNIT_PX = 146 * SUPERSAMPLING
ORIGIN_PX = (320 * SUPERSAMPLING, 212 * SUPERSAMPLING)
CANVAS_WH = (WIDTH_PX * SUPERSAMPLING, HEIGHT_PX * SUPERSAMPLING)

KEY_LIGHT = (np.array([-0.50, -0.52, 0.70], np.float32), np.array([1.18, 1.08, 0.98], np.float32))
FILL_LIGHT = (np.array([0.80, -0.15, 0.55], np.float32), np.array([0.26, 0.30, 0.38], np.float32))
AMBIENT = np.array([0.25, 0.26, 0.29], np.float32)
WRAP_RGB = np.array([0.42, 0.26, 0.20], np.float32)
"""How far light creeps past the terminator; more in red, as it does in skin."""


@dataclass(frozen=True)
class Layer:
    """Premultiplied colour and coverage over the whole canvas."""

    rgb: Image
    alpha: Image

    def over(self, behind: Image) -> Image:
        return self.rgb + behind * (1 - self.alpha[..., None])


def linear(r: int, g: int, b: int) -> Image:
    """An sRGB colour 0…255 as linear light."""
    return (np.array([r, g, b], np.float32) / 255) ** np.float32(2.2)


def grid() -> tuple[Image, Image]:
    """x and y of every canvas pixel, in units."""
    x = (np.arange(CANVAS_WH[0], dtype=np.float32) - ORIGIN_PX[0]) / UNIT_PX
    y = (np.arange(CANVAS_WH[1], dtype=np.float32) - ORIGIN_PX[1]) / UNIT_PX
    return np.meshgrid(x, y)


def bump(x: Image, y: Image, cx: float, cy: float, sx: float, sy: float) -> Image:
    """A Gaussian hill of height 1."""
    return np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2))


def pair(x: Image, y: Image, cx: float, cy: float, sx: float, sy: float) -> Image:
    """The same hill on both sides of the face."""
    return bump(np.abs(x), y, cx, cy, sx, sy)


def ramp(value: Image, start: float, end: float) -> Image:
    """0 before `start`, 1 after `end`, smooth between."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def spline(points: list[tuple[float, float]], count: int) -> Image:
    """A Catmull-Rom curve through `points`, `count`×2."""
    p = np.array([points[0], *points, points[-1]], np.float64)
    at = np.linspace(0, len(points) - 1 - 1e-9, count)
    i = at.astype(int)
    t = (at - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve, np.float32)


def to_px(points: Image) -> NDArray[np.int32]:
    """Points in units as fixed-point pixels with four fractional bits, for cv2's `shift=4`."""
    return np.asarray(np.round((points * UNIT_PX + np.array(ORIGIN_PX)) * 16), np.int32)


def polygon(points: Image) -> Image:
    mask = np.zeros(CANVAS_WH[::-1], np.uint8)
    cv2.fillPoly(mask, [to_px(points)], 255, lineType=cv2.LINE_AA, shift=4)
    return mask.astype(np.float32) / 255


def blurred(image: Image, sigma_units: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_units * UNIT_PX), np.float32)


def speckle(seed: int, sigma_units: float) -> Image:
    """Smooth noise of unit variance over the canvas."""
    small = (CANVAS_WH[0] // 4, CANVAS_WH[1] // 4)
    noise = np.random.default_rng(seed).standard_normal(small[::-1]).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), max(sigma_units * UNIT_PX / 4, 0.6)))
    return np.asarray(cv2.resize(smooth / smooth.std(), CANVAS_WH, interpolation=cv2.INTER_CUBIC), np.float32)


def shaded(albedo: Image, z: Image, gloss: Image | float) -> Image:
    """Lights a height field (units): soft diffuse light, sky light, and a broad highlight scaled by `gloss`."""
    dy, dx = np.gradient(z, 1 / UNIT_PX)
    normal = np.stack([-dx, -dy, np.ones_like(z)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = AMBIENT * (0.78 - 0.22 * normal[..., 1:2])
    for direction, colour in (KEY_LIGHT, FILL_LIGHT):
        facing = (normal @ (direction / np.linalg.norm(direction)))[..., None]
        light = light + colour * np.clip((facing + WRAP_RGB) / (1 + WRAP_RGB), 0, None) ** 1.25
    half = KEY_LIGHT[0] / np.linalg.norm(KEY_LIGHT[0]) + np.array([0, 0, 1], np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1)
    highlight = (0.10 * shine**12 + 0.16 * shine**48) * gloss
    return np.asarray(albedo * light + highlight[..., None], np.float32)
