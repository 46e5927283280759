"""The still parts of the drawn head: form, skin, eyebrows, hair.

The head is a height field under two lights, so that its forms read as forms and not as outlines.
"""

import cv2
import numpy as np

from samples.canvas import (
    CANVAS_WH,
    Image,
    Layer,
    blurred,
    bump,
    linear,
    pair,
    polygon,
    ramp,
    shaded,
    speckle,
    spline,
    to_px,
)

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
    dome = 0.66 * np.sqrt(np.clip(1 - across**2.3, 0.0, 1)) * np.sqrt(np.clip(1 - down**3.2, 0.0, 1))
    z = blurred(dome.astype(np.float32), 0.02)

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
    colour: Image = np.zeros((*CANVAS_WH[::-1], 3), np.float32)
    cover: Image = np.zeros(CANVAS_WH[::-1], np.float32)
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
            band = np.exp(-0.5 * ((t - centre) / 0.085) ** 2)
            band += 0.34 * np.exp(-0.5 * ((t - 0.66 - 0.1 * lock) / 0.12) ** 2)
            rounding = 0.30 + 0.70 * np.sin(np.pi * np.clip(across, 0, 1)) ** 0.8
            level = lit * (0.10 + 0.50 * band * (0.45 + 0.55 * lock)) * rounding * rng.uniform(0.35, 1.25)
            level *= 0.45 + 0.55 * np.clip(7 * t, 0, 1)
            tint = dark * 0.75 + (light - dark * 0.75) * np.clip(level, 0, 1)[:, None]
            points = to_px(strand.astype(np.float32))
            stop = 95 - int(min(abs(rng.normal(0, 6)), 40))
            for k in range(0, stop, 2):
                cv2.polylines(colour, [points[k : k + 3]], False, tint[k].tolist(), 1, cv2.LINE_8, 4)
            cv2.polylines(cover, [points[:stop]], False, 1.0, 2, cv2.LINE_8, 4)
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 1.3), np.float32)
    colour = np.asarray(cv2.GaussianBlur(colour, (0, 0), 0.8), np.float32)
    return Layer((colour * cover[..., None]).astype(np.float32), cover.astype(np.float32))


def hair_back() -> Layer:
    """The dark hair behind the neck."""
    left = [(-0.78, -0.2), (-0.82, 0.5), (-0.62, 1.10), (-0.3, 1.15)]
    outline = spline([*left, *((-x, y) for x, y in reversed(left))], 120)
    cover = blurred(polygon(outline), 0.012)
    tint = linear(40, 25, 19) * (1 + 0.10 * speckle(21, 0.015))[..., None]
    return Layer((tint * cover[..., None]).astype(np.float32), cover)
