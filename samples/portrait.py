"""The still parts of the drawn speaker: head, hair, shoulders, room. Everything is linear light, 0…1.

Lengths are in *units*: half the height of the head. The origin lies between the eyes, y points down.
The head is a height field shaded by two lights, so that its forms read as forms and not as outlines.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

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
    return t * t * (3 - 2 * t)


def spline(points: list[tuple[float, float]], count: int) -> Image:
    """A Catmull-Rom curve through `points`, `count`×2."""
    p = np.array([points[0], *points, points[-1]], np.float64)
    at = np.linspace(0, len(points) - 1 - 1e-9, count)
    i = at.astype(int)
    t = (at - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve.astype(np.float32)


def to_px(points: Image) -> NDArray[np.int32]:
    """Points in units as fixed-point pixels with four fractional bits, for cv2's `shift=4`."""
    return np.round((points * UNIT_PX + np.array(ORIGIN_PX)) * 16).astype(np.int32)


def polygon(points: Image) -> Image:
    mask = np.zeros(CANVAS_WH[::-1], np.uint8)
    cv2.fillPoly(mask, [to_px(points)], 255, lineType=cv2.LINE_AA, shift=4)
    return mask.astype(np.float32) / 255


def blurred(image: Image, sigma_units: float) -> Image:
    return cv2.GaussianBlur(image, (0, 0), sigma_units * UNIT_PX)  # type: ignore[return-value]


def speckle(seed: int, sigma_units: float) -> Image:
    """Smooth noise of unit variance over the canvas."""
    small = (CANVAS_WH[0] // 4, CANVAS_WH[1] // 4)
    noise = np.random.default_rng(seed).standard_normal(small[::-1]).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), max(sigma_units * UNIT_PX / 4, 0.6))
    return cv2.resize(noise / noise.std(), CANVAS_WH, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


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
    return (albedo * light + highlight[..., None]).astype(np.float32)


HEAD_OUTLINE = [
    (0.0, -1.02), (0.22, -0.99), (0.42, -0.87), (0.57, -0.68), (0.655, -0.42), (0.685, -0.15), (0.675, 0.12),
    (0.645, 0.36), (0.585, 0.57), (0.475, 0.76), (0.335, 0.91), (0.18, 1.005), (0.0, 1.03),
]  # fmt: skip


def head_outline() -> Image:
    right = spline(HEAD_OUTLINE, 200)
    return np.concatenate([right, right[::-1] * np.array([-1, 1], np.float32)])


def head_height(x: Image, y: Image) -> Image:
    """Height of the bare head towards the viewer, lips excluded (they move)."""
    edge = spline(HEAD_OUTLINE, 400)
    half_width = np.interp(y, edge[:, 1], edge[:, 0]).astype(np.float32)
    across = np.clip(np.abs(x) / np.maximum(half_width, 1e-3), 0, 1)
    down = np.clip(np.where(y < -0.1, (-0.1 - y) / 0.94, (y + 0.1) / 1.15), 0, 1)
    z = 0.66 * np.sqrt(np.clip(1 - across**2.3, 0.0, 1)) * np.sqrt(np.clip(1 - down**3.2, 0.0, 1))
    z = blurred(z.astype(np.float32), 0.02)

    z += 0.025 * pair(x, y, 0.30, -0.20, 0.16, 0.06) - 0.075 * pair(x, y, 0.285, -0.02, 0.13, 0.085)
    z += 0.050 * pair(x, y, 0.30, 0.02, 0.10, 0.060)  # the eyeballs under the lids
    z += 0.030 * pair(x, y, 0.42, 0.24, 0.17, 0.14) - 0.020 * pair(x, y, 0.42, 0.60, 0.13, 0.14)
    along = ramp(y, -0.20, 0.36)
    ridge_end = 1 - ramp(y, 0.36, 0.47)
    z += (0.035 + 0.135 * along) * np.exp(-0.5 * (x / (0.070 + 0.034 * along)) ** 2) * ramp(y, -0.34, -0.05) * ridge_end
    z += 0.060 * bump(x, y, 0, 0.350, 0.082, 0.066) + 0.070 * pair(x, y, 0.118, 0.400, 0.046, 0.046)
    z -= 0.018 * pair(x, y, 0.172, 0.410, 0.022, 0.045)  # the crease behind the wing of the nose
    z += 0.045 * bump(x, y, 0, 0.62, 0.24, 0.13)  # the teeth carry the lips forward
    z -= 0.016 * bump(x, y, 0, 0.50, 0.022, 0.045) + 0.030 * bump(x, y, 0, 0.775, 0.15, 0.035)
    z += 0.040 * bump(x, y, 0, 0.90, 0.13, 0.085)
    return z.astype(np.float32)


def skin_albedo(x: Image, y: Image) -> Image:
    """Skin with warmer cheeks, nose and chin, a cooler eye region, and very fine mottling."""
    tone = np.broadcast_to(linear(229, 180, 152), (*x.shape, 3)).copy()
    blush = 0.55 * pair(x, y, 0.42, 0.30, 0.16, 0.13) + 0.40 * bump(x, y, 0, 0.36, 0.10, 0.07)
    blush += 0.22 * bump(x, y, 0, 0.92, 0.14, 0.08)
    tone *= 1 - blush[..., None] * np.array([0.02, 0.20, 0.22], np.float32)
    socket = 0.30 * pair(x, y, 0.27, 0.085, 0.12, 0.045) + 0.30 * pair(x, y, 0.29, -0.085, 0.14, 0.035)
    tone *= 1 - socket[..., None] * np.array([0.34, 0.46, 0.40], np.float32)
    tone *= (1 + 0.012 * speckle(1, 0.012) + 0.012 * speckle(2, 0.05))[..., None]
    return tone.astype(np.float32)


def face_skin(x: Image, y: Image, z: Image) -> Image:
    """The lit skin of the face with nose and folds, without eyes, brows, mouth and hair."""
    gloss = 0.35 + 0.45 * bump(x, y, 0, -0.45, 0.30, 0.16) + 0.7 * bump(x, y, 0, 0.33, 0.07, 0.10)
    skin = shaded(skin_albedo(x, y), z, gloss.astype(np.float32))
    sunk = np.clip(blurred(z, 0.07) - z, 0, None) * 5.0 + np.clip(blurred(z, 0.025) - z, 0, None) * 7.0
    shade = np.clip(sunk, 0, 0.40)
    shade += 0.34 * bump(x, y, 0.03, 0.475, 0.11, 0.025)  # the nose's own shadow
    fold = np.abs(np.abs(x) - (0.165 + 0.36 * (y - 0.40)))
    shade += 0.13 * np.exp(-0.5 * (fold / 0.014) ** 2) * ramp(y, 0.40, 0.47) * (1 - ramp(y, 0.50, 0.62))
    skin *= 1 - np.clip(shade, 0, 0.75)[..., None] * np.array([0.75, 0.95, 1.0], np.float32)
    tilt = (np.abs(x) - 0.064) * 0.35
    nostril = np.exp(-((((np.abs(x) - 0.066) / 0.036) ** 2 + ((y - 0.446 - tilt) / 0.0145) ** 2) ** 2))
    return (skin * (1 - 0.88 * nostril[..., None]) + nostril[..., None] * linear(48, 18, 14) * 0.6).astype(np.float32)


def brow_hairs() -> Image:
    """Coverage of both eyebrows: a soft base with a few hundred hairs over it."""
    rng = np.random.default_rng(5)
    spine = spline([(0.130, -0.205), (0.21, -0.232), (0.33, -0.258), (0.44, -0.238), (0.525, -0.178)], 100)
    thick = np.interp(np.linspace(0, 1, 100), [0, 0.15, 0.6, 1], [0.017, 0.026, 0.021, 0.005])
    body = np.concatenate([spine - np.stack([0 * thick, thick], 1), (spine + np.stack([0 * thick, thick], 1))[::-1]])
    mirror = np.array([-1, 1], np.float32)
    base = blurred(polygon(body.astype(np.float32)) + polygon((body * mirror).astype(np.float32)), 0.012)
    hairs = np.zeros(CANVAS_WH[::-1], np.uint8)
    for side in (1, -1):
        for _ in range(420):
            k = int(rng.integers(0, 96))
            root = spine[k] + np.array([0, rng.uniform(-1, 1) * thick[k]], np.float32)
            lean = np.interp(k / 100, [0, 0.2, 1], [1.05, 0.50, -0.42]) + rng.normal(0, 0.12)
            length = rng.uniform(0.030, 0.055) * (1 - 0.35 * k / 100)
            tip = root + length * np.array([np.cos(lean), -np.sin(lean)])
            hair = np.stack([root, (root + tip) / 2 + [0, -0.002], tip]) * [side, 1]
            cv2.polylines(hairs, [to_px(hair.astype(np.float32))], False, 255, 2, cv2.LINE_AA, 4)
    return np.clip(0.36 * base + 0.55 * cv2.GaussianBlur(hairs, (0, 0), 1.0).astype(np.float32) / 255, 0, 0.92)


FRINGE_LEFT = [(-0.15, -0.81), (-0.33, -0.71), (-0.50, -0.49), (-0.600, -0.15), (-0.630, 0.20), (-0.635, 0.54),
               (-0.60, 0.84), (-0.46, 1.09)]  # fmt: skip
CROWN_LEFT = [(-0.19, -1.14), (-0.47, -1.07), (-0.72, -0.83), (-0.845, -0.44), (-0.885, 0.0), (-0.915, 0.45),
              (-0.865, 0.86), (-0.60, 1.19)]  # fmt: skip
FRINGE_RIGHT = [(-0.15, -0.81), (0.16, -0.745), (0.44, -0.56), (0.580, -0.22), (0.620, 0.18), (0.630, 0.52),
                (0.60, 0.84), (0.46, 1.09)]  # fmt: skip
CROWN_RIGHT = [(-0.19, -1.14), (0.28, -1.15), (0.67, -0.91), (0.835, -0.47), (0.885, 0.0), (0.915, 0.45),
               (0.865, 0.86), (0.60, 1.19)]  # fmt: skip


def hair_front() -> Layer:
    """Strands from the parting to the tips, interpolated between the hairline and the silhouette."""
    rng = np.random.default_rng(11)
    colour = np.zeros((*CANVAS_WH[::-1], 3), np.float32)
    cover = np.zeros(CANVAS_WH[::-1], np.float32)
    dark, light = linear(46, 29, 21), linear(190, 132, 88)
    t = np.linspace(0, 1, 96)
    for inner, outer, lit in ((FRINGE_LEFT, CROWN_LEFT, 1.0), (FRINGE_RIGHT, CROWN_RIGHT, 0.80)):
        a, b = spline(inner, 96), spline(outer, 96)
        body = polygon(np.concatenate([a[:91], b[90::-1]]))
        colour = colour * (1 - body[..., None]) + body[..., None] * dark
        cover = np.maximum(cover, body)
        locks = 0.5 + 0.5 * np.sin(np.arange(24) * 2.4) * rng.uniform(0.6, 1.0, 24)
        for _ in range(2600):
            across = rng.uniform(-0.012, 1.02)
            wave = 0.018 * np.sin(2 * np.pi * (1.1 * t + 0.55 * across)) + 0.020 * rng.normal() * t
            s = across + wave * np.clip(4 * t, 0, 1)
            strand = a * (1 - s[:, None]) + b * s[:, None]
            lock = np.interp(across * 23, np.arange(24), locks)
            centre = 0.25 - 0.06 * across + 0.035 * lock + rng.normal(0, 0.018)
            band = np.exp(-0.5 * ((t - centre) / 0.085) ** 2) + 0.34 * np.exp(
                -0.5 * ((t - 0.66 - 0.1 * lock) / 0.12) ** 2
            )
            rounding = 0.30 + 0.70 * np.sin(np.pi * np.clip(across, 0, 1)) ** 0.8
            level = (
                lit
                * (0.10 + 0.50 * band * (0.45 + 0.55 * lock))
                * rounding
                * rng.uniform(0.35, 1.25)
                * (0.45 + 0.55 * np.clip(7 * t, 0, 1))
            )
            tint = dark * 0.75 + (light - dark * 0.75) * np.clip(level, 0, 1)[:, None]
            points = to_px(strand.astype(np.float32))
            stop = 95 - int(min(abs(rng.normal(0, 6)), 40))
            for k in range(0, stop, 2):
                cv2.polylines(colour, [points[k : k + 3]], False, tint[k].tolist(), 1, cv2.LINE_8, 4)
            cv2.polylines(cover, [points[:stop]], False, 1.0, 2, cv2.LINE_8, 4)
    cover = cv2.GaussianBlur(cover, (0, 0), 1.3)
    colour = cv2.GaussianBlur(colour, (0, 0), 0.8)
    return Layer((colour * cover[..., None]).astype(np.float32), cover.astype(np.float32))


def hair_back() -> Layer:
    outline = spline(
        [
            (-0.78, -0.2),
            (-0.82, 0.5),
            (-0.62, 1.10),
            (-0.3, 1.15),
            (0.3, 1.15),
            (0.62, 1.10),
            (0.82, 0.5),
            (0.78, -0.2),
        ],
        120,
    )
    cover = blurred(polygon(outline), 0.012)
    tint = linear(40, 25, 19) * (1 + 0.10 * speckle(21, 0.015))[..., None]
    return Layer((tint * cover[..., None]).astype(np.float32), cover)


def shoulders(x: Image, y: Image) -> Layer:
    """Neck and a knitted pullover, lit like the face, with the head's shadow on the neck."""
    neck_edge = np.interp(y, [0.6, 1.0, 1.25, 1.42, 1.60], [0.40, 0.385, 0.40, 0.47, 0.68]).astype(np.float32)
    z = 0.40 * np.sqrt(np.clip(1 - (np.abs(x) / neck_edge) ** 2, 0, 1))
    z += 0.020 * np.exp(-0.5 * ((np.abs(x) - 0.30 + 0.42 * (y - 0.9)) / 0.035) ** 2) * ramp(y, 0.9, 1.1)
    z -= 0.030 * bump(x, y, 0, 1.44, 0.055, 0.05)
    tone = np.broadcast_to(linear(222, 171, 143), (*x.shape, 3)) * (1 + 0.012 * speckle(3, 0.03))[..., None]
    skin = shaded(tone.astype(np.float32), blurred(z.astype(np.float32), 0.012), 0.25)
    under_chin = blurred(
        polygon(head_outline() * np.array([0.98, 1.0], np.float32) + np.array([0.06, 0.16], np.float32)), 0.05
    )
    skin *= 1 - under_chin[..., None] * np.array([0.56, 0.66, 0.68], np.float32)

    body = [(-2.9, 2.6), (-2.05, 1.98), (-1.45, 1.66), (-0.95, 1.50), (-0.52, 1.30)]
    collar = [(-0.52, 1.30), (-0.40, 1.43), (-0.20, 1.535), (0.0, 1.565), (0.20, 1.535), (0.40, 1.43), (0.52, 1.30)]
    left, dip = spline(body, 80), spline(collar, 80)
    top = np.concatenate([left, dip, left[::-1] * np.array([-1, 1], np.float32)])
    garment = polygon(np.concatenate([top, np.array([[2.9, 3], [-2.9, 3]], np.float32)]))
    drape = 0.55 * np.sqrt(np.clip(1 - (np.abs(x) / 2.9) ** 2.4, 0, 1)) * ramp(y, 1.15, 2.1)
    folds = 0.014 * np.sin(9 * x + 5 * np.abs(y - 1.2)) * ramp(np.abs(x), 0.4, 1.2)
    centre = np.hypot(x, (y - 0.98) * 0.95)
    ribs = 0.0045 * np.sin(np.arctan2(x, y - 0.9) * 150) * ramp(centre, 0.44, 0.50) * (1 - ramp(centre, 0.66, 0.68))
    knit = 0.0016 * np.sin(x * 118 + 0.8 * np.sin(y * 60)) * ramp(centre, 0.68, 0.72)
    edge = 0.03 * (bump(centre, 0 * y, 0.62, 0, 0.05, 1.0))
    wool = np.broadcast_to(linear(38, 98, 110), (*x.shape, 3)) * (1 + 0.03 * speckle(4, 0.01))[..., None]
    cloth = shaded(wool.astype(np.float32), (drape + folds + ribs + knit + edge).astype(np.float32), 0.04)
    occluded = blurred(
        polygon(head_outline() * np.array([1.15, 1.0], np.float32) + np.array([0.10, 0.42], np.float32)), 0.16
    )
    cloth *= 1 - 0.50 * occluded[..., None]
    rim = blurred(garment, 0.018)
    skin *= 1 - 0.35 * np.clip(rim, 0, 1)[..., None]

    neck = polygon(
        np.stack([np.concatenate([neck_edge[:, 0], -neck_edge[::-1, 0]]), np.concatenate([y[:, 0], y[::-1, 0]])], 1)
    )
    neck *= y > 0.55
    rgb = skin * neck[..., None] * (1 - garment[..., None]) + cloth * garment[..., None]
    return Layer(rgb.astype(np.float32), np.maximum(neck, garment).astype(np.float32))


def room(x: Image, y: Image) -> Image:
    """An office far out of focus: a window to the left, a shelf and two lamps to the right."""
    wall = np.broadcast_to(linear(122, 132, 140), (*x.shape, 3)) * (0.80 - 0.22 * x - 0.10 * y)[..., None]
    window = ramp(x, -2.55, -2.40) * (1 - ramp(x, -1.55, -1.40)) * ramp(y, -1.9, -1.7) * (1 - ramp(y, 0.55, 0.7))
    panes = 1 - 0.55 * np.exp(-0.5 * ((x + 1.98) / 0.03) ** 2)
    scene = wall + (window * panes)[..., None] * linear(226, 236, 246) * 0.62
    rng = np.random.default_rng(31)
    palette = [
        linear(150, 84, 62),
        linear(196, 158, 96),
        linear(74, 100, 116),
        linear(212, 202, 186),
        linear(92, 118, 88),
    ]
    for shelf_y in (-1.05, -0.25, 0.55, 1.35):
        edge = 1.18
        while edge < 2.6:
            width, height = rng.uniform(0.06, 0.16), rng.uniform(0.36, 0.58)
            book = (x > edge) & (x < edge + width) & (y < shelf_y) & (y > shelf_y - height)
            scene = np.where(book[..., None], palette[int(rng.integers(5))] * 0.55, scene)
            edge += width + (0.25 if rng.random() < 0.12 else 0.01)
        board = (x > 1.12) & (np.abs(y - shelf_y - 0.03) < 0.03)
        scene = np.where(board[..., None], linear(126, 92, 64) * 0.5, scene)
    small = cv2.resize(scene.astype(np.float32), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 11)
    soft: Image = cv2.resize(small, CANVAS_WH, interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
    for cx, cy, radius in ((1.42, -1.32, 0.17), (2.12, -1.12, 0.14)):
        disc = 1 - ramp(np.hypot(x - cx, y - cy), radius * 0.90, radius * 1.06)
        soft = soft + disc[..., None] * linear(255, 214, 150) * 0.34
    return (soft * (1 - 0.10 * np.clip(np.hypot(x / 2.6, y / 2.0) - 0.4, 0, 1))[..., None]).astype(np.float32)
