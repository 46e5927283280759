"""What surrounds the drawn head: neck and shoulders, and a room far out of focus."""

import cv2
import numpy as np

from samples.canvas import (
    CANVAS_WH,
    HEIGHT_PX,
    WIDTH_PX,
    Image,
    Layer,
    blurred,
    bump,
    linear,
    polygon,
    ramp,
    shaded,
    speckle,
    spline,
)
from samples.head import head_outline


def head_shadow(widened: float, dx: float, dy: float, blur: float) -> Image:
    """The head's outline moved by (dx, dy) units and blurred: the shade it casts on what is below it."""
    outline = head_outline() * np.array([widened, 1.0], np.float32) + np.array([dx, dy], np.float32)
    return blurred(polygon(outline), blur)


def shoulders(x: Image, y: Image) -> Layer:
    """Neck and a knitted pullover, lit like the face, with the head's shadow on the neck."""
    neck_edge = np.interp(y, [0.6, 1.0, 1.25, 1.42, 1.60], [0.40, 0.385, 0.40, 0.47, 0.68]).astype(np.float32)
    z = 0.40 * np.sqrt(np.clip(1 - (np.abs(x) / neck_edge) ** 2, 0, 1))
    z += 0.020 * np.exp(-0.5 * ((np.abs(x) - 0.30 + 0.42 * (y - 0.9)) / 0.035) ** 2) * ramp(y, 0.9, 1.1)
    z -= 0.030 * bump(x, y, 0, 1.44, 0.055, 0.05)
    tone = np.broadcast_to(linear(222, 171, 143), (*x.shape, 3)) * (1 + 0.012 * speckle(3, 0.03))[..., None]
    skin = shaded(tone.astype(np.float32), blurred(z.astype(np.float32), 0.012), 0.25)
    under_chin = head_shadow(0.98, 0.06, 0.16, 0.05)
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
    edge = 0.03 * np.exp(-0.5 * ((centre - 0.62) / 0.05) ** 2)
    wool = np.broadcast_to(linear(38, 98, 110), (*x.shape, 3)) * (1 + 0.03 * speckle(4, 0.01))[..., None]
    cloth = shaded(wool.astype(np.float32), (drape + folds + ribs + knit + edge).astype(np.float32), 0.04)
    occluded = head_shadow(1.15, 0.10, 0.42, 0.16)
    cloth *= 1 - 0.50 * occluded[..., None]
    rim = blurred(garment, 0.018)
    skin *= 1 - 0.35 * np.clip(rim, 0, 1)[..., None]

    neck = ramp(neck_edge - np.abs(x), -0.003, 0.003) * (y > 0.55)
    rgb = skin * neck[..., None] * (1 - garment[..., None]) + cloth * garment[..., None]
    return Layer(rgb.astype(np.float32), np.maximum(neck, garment).astype(np.float32))


def room(x: Image, y: Image) -> Image:
    """An office far out of focus: a window to the left, a shelf and two lamps to the right."""
    wall = np.broadcast_to(linear(122, 132, 140), (*x.shape, 3)) * (0.80 - 0.22 * x - 0.10 * y)[..., None]
    window = ramp(x, -2.55, -2.40) * (1 - ramp(x, -1.55, -1.40)) * ramp(y, -1.9, -1.7) * (1 - ramp(y, 0.55, 0.7))
    panes = 1 - 0.55 * np.exp(-0.5 * ((x + 1.98) / 0.03) ** 2)
    scene = wall + (window * panes)[..., None] * linear(226, 236, 246) * 0.62
    rng = np.random.default_rng(31)
    spines = ((150, 84, 62), (196, 158, 96), (74, 100, 116), (212, 202, 186), (92, 118, 88))
    palette = [linear(*spine) for spine in spines]
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
    soft: Image = np.asarray(cv2.resize(small, CANVAS_WH, interpolation=cv2.INTER_CUBIC), np.float32)
    for cx, cy, radius in ((1.42, -1.32, 0.17), (2.12, -1.12, 0.14)):
        disc = 1 - ramp(np.hypot(x - cx, y - cy), radius * 0.90, radius * 1.06)
        soft = soft + disc[..., None] * linear(255, 214, 150) * 0.34
    return np.asarray(soft * (1 - 0.10 * np.clip(np.hypot(x / 2.6, y / 2.0) - 0.4, 0, 1))[..., None], np.float32)
