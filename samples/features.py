"""The moving parts of the drawn speaker's face: eyes with lids, and the mouth."""

from dataclasses import dataclass

import cv2
import numpy as np

from samples.canvas import (
    ORIGIN_PX,
    SUPERSAMPLING,
    UNIT_PX,
    Image,
    blurred,
    bump,
    linear,
    ramp,
    shaded,
)

PIXEL = 1 / UNIT_PX
EYE_INNER, EYE_WIDTH = 0.148, 0.300
MOUTH_Y, MOUTH_HALF_WIDTH = 0.635, 0.245


@dataclass(frozen=True)
class Expression:
    """What the face does in one frame; every value but gaze runs 0…1 (`spread` −1…1, lips pursed to wide)."""

    mouth_open: float = 0.0
    spread: float = 0.0
    blink: float = 0.0
    brow_raise: float = 0.0
    gaze_xy: tuple[float, float] = (0.0, 0.0)
    """Displacement of the irises in units."""


def crop(x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
    """Canvas rows and columns of a rectangle given in units."""
    column, row = ORIGIN_PX
    return (
        slice(round(row + y0 * UNIT_PX), round(row + y1 * UNIT_PX)),
        slice(round(column + x0 * UNIT_PX), round(column + x1 * UNIT_PX)),
    )


def mix(below: Image, colour: Image, alpha: Image) -> Image:
    return below + (colour - below) * alpha[..., None]


def draw_eye(skin: Image, x: Image, y: Image, side: int, face: Expression) -> Image:
    """One eye over the lit skin of its crop. `side` is +1 for the eye on the image's right."""
    s = (side * x - EYE_INNER) / EYE_WIDTH
    inside = np.clip(s, 0, 1)
    corner = 0.012 - 0.030 * inside
    arch = (4 * inside * (1 - inside)) ** 0.72
    upper = corner - 0.090 * arch * (1.08 - 0.20 * inside)
    lower = corner + 0.046 * arch * (0.86 + 0.28 * inside)
    lid = upper + face.blink * (lower - upper) * 0.94
    within = ramp(s, -0.01, 0.03) * (1 - ramp(s, 0.97, 1.01))
    soft = 1.6 * PIXEL
    opened = ramp(y, lid - soft, lid + soft) * (1 - ramp(y, lower - soft, lower + soft)) * within

    depth = np.clip(1 - ((s - 0.5) / 0.62) ** 2, 0, 1)
    ball = np.broadcast_to(linear(232, 226, 224), skin.shape) * (0.34 + 0.52 * depth)[..., None]
    caruncle = 1 - ramp(s, 0.03, 0.13)
    ball = mix(ball, linear(206, 132, 122) * 0.8, caruncle * 0.8)

    ix = side * (EYE_INNER + 0.50 * EYE_WIDTH) + face.gaze_xy[0]
    iy = -0.024 + face.gaze_xy[1]
    r = np.hypot(x - ix, y - iy) / 0.0640
    angle = np.arctan2(y - iy, x - ix)
    fibres = 0.5 + 0.5 * np.sin(23 * angle + 2.2 * np.sin(7 * angle)) * np.sin(41 * angle + 5 * r)
    lit_below = 0.62 + 0.42 * np.clip((y - iy) / 0.05 + 0.35 * (x - ix) / 0.05, -0.8, 1)
    iris = linear(96, 122, 104) * (0.55 + 0.75 * fibres * lit_below)[..., None]
    iris = mix(iris, linear(150, 104, 56) * (0.7 + 0.6 * lit_below)[..., None], (1 - ramp(r, 0.45, 0.72)) * 0.8)
    iris = mix(iris, linear(30, 38, 36), ramp(r, 0.78, 1.0) * 0.85)
    iris = mix(iris, linear(8, 8, 9), 1 - ramp(r, 0.36, 0.44))
    ball = mix(ball, iris, 1 - ramp(r, 0.95, 1.06))
    under_lid = 1 - ramp(y - lid, 0.0, 0.055)
    ball = ball * (1 - 0.62 * under_lid)[..., None]
    glint = 1 - ramp(np.hypot(x - ix + 0.020, y - iy + 0.021), 0.009, 0.0145)
    glint += 0.30 * (1 - ramp(np.hypot(x - ix - 0.022, y - iy - 0.020), 0.008, 0.013))
    ball = ball + glint[..., None]

    closing = ramp(y, upper - soft, upper + soft) * (1 - ramp(y, lid - soft, lid + soft)) * within
    roundness = 0.92 - 0.26 * np.clip((y - upper) / np.maximum(lower - upper, 1e-3), 0, 1)
    lid_skin = linear(214, 158, 134) * (roundness * (0.95 + 0.2 * depth) * (0.92 - 0.10 * side))[..., None]
    out = mix(mix(skin, lid_skin, closing * ramp(np.full_like(s, face.blink), 0.02, 0.12)), ball, opened)

    around = ramp(s, -0.06, 0.10) * (1 - ramp(s, 0.96, 1.12))
    crease_y = corner - 0.090 * arch * 1.06 - 0.040 + 0.020 * face.blink
    crease = np.exp(-0.5 * ((y - crease_y) / 0.0085) ** 2) * around * (0.46 - 0.26 * face.blink)
    bag = np.exp(-0.5 * ((y - lower - 0.034) / 0.012) ** 2) * around * 0.16
    out = out * (1 - (crease + bag)[..., None] * np.array([0.75, 0.95, 1.0], np.float32))
    rim = np.exp(-0.5 * ((y - lower) / (2.0 * PIXEL)) ** 2) * within
    out = mix(out, linear(176, 112, 100), rim * 0.55)

    wing = np.clip(s, 0, 1.09)
    wing_y = lid - 0.055 * np.clip(s - 0.93, 0, 0.16)
    thick = 0.0065 + 0.0105 * np.clip(s, 0, 1)
    line = np.exp(-(((y - wing_y + 0.4 * thick) / thick) ** 4)) * ramp(s, 0.0, 0.14) * (1 - ramp(s, 1.02, 1.085))
    comb = 0.5 + 0.5 * np.sin(95 * wing + 34 * (y - wing_y) * (wing - 0.4) * 10)
    length = 0.012 + 0.022 * np.clip(s, 0, 1)
    lashes = comb * ramp(wing_y - y, -0.002, 0.002) * (1 - ramp(wing_y - y, 0.3 * length, length)) * ramp(s, 0.25, 0.6)
    lashes *= (1 - ramp(s, 1.0, 1.06)) * (1 - 0.8 * face.blink)
    fringe = np.exp(-0.5 * ((y - lower - 0.006) / 0.006) ** 2) * ramp(s, 0.35, 0.9) * (1 - ramp(s, 0.97, 1.02)) * 0.34
    return mix(out, linear(26, 17, 15), np.clip(0.92 * line + 0.5 * lashes + fringe, 0, 0.95)).astype(np.float32)


def draw_mouth(skin: Image, z: Image, x: Image, y: Image, face: Expression) -> Image:
    """Lips, teeth and tongue over the lit skin of the crop; `z` is the crop's height field."""
    opened = face.mouth_open
    half = MOUTH_HALF_WIDTH * (1 + 0.10 * face.spread + (0.22 * face.spread if face.spread < 0 else 0) - 0.04 * opened)
    purse = max(0.0, -face.spread)
    s = np.clip(x / half, -1, 1)
    across = np.clip(1 - s**2, 0, 1)
    smile = -0.020 * (0.7 + max(0.0, face.spread)) * np.abs(s) ** 2.2
    seam = MOUTH_Y + smile + 0.007 * np.exp(-((s / 0.22) ** 2)) - 0.004 * np.exp(-(((np.abs(s) - 0.45) / 0.2) ** 2))
    gap = ramp(np.full_like(s, opened), 0.0, 0.10)
    inner_top = seam - (0.022 * opened + 0.002 * gap) * across**0.8
    inner_low = seam + 0.165 * opened * across ** (0.42 - 0.04 * purse) + 0.001
    bow = 1.0 - 0.24 * np.exp(-((s / 0.13) ** 2)) + 0.05 * np.exp(-(((np.abs(s) - 0.25) / 0.12) ** 2))
    outer_top = inner_top - (0.054 - 0.008 * opened + 0.018 * purse) * across**0.85 * bow
    outer_low = inner_low + (0.072 - 0.010 * opened + 0.016 * purse) * across**0.46
    soft = 1.8 * PIXEL
    between = ramp(half - np.abs(x), -0.004, 0.008)

    cavity = ramp(y, inner_top - soft, inner_top + soft) * (1 - ramp(y, inner_low - soft, inner_low + soft))
    cavity *= between * np.minimum(1, opened / 0.05)
    upper_lip = ramp(y, outer_top - 2 * soft, outer_top + 2 * soft) * (1 - ramp(y, inner_top - soft, inner_top + soft))
    lower_lip = ramp(y, inner_low - soft, inner_low + soft) * (1 - ramp(y, outer_low - 2 * soft, outer_low + 2 * soft))
    lips = np.clip(upper_lip + lower_lip, 0, 1) * between

    cushion = np.sqrt(np.clip(1 - (2 * (y - inner_low) / np.maximum(outer_low - inner_low, 1e-3) - 0.85) ** 2, 0, 1))
    ledge = np.sqrt(np.clip(1 - (2 * (inner_top - y) / np.maximum(inner_top - outer_top, 1e-3) - 0.75) ** 2, 0, 1))
    relief = 0.034 * cushion * lower_lip + 0.026 * ledge * upper_lip
    relief = blurred((relief * across**0.4).astype(np.float32), 0.008)
    grooves = 1 + 0.035 * np.sin(x * 150 + 3 * np.sin(y * 40)) * ramp(across, 0.1, 0.5)
    pink = linear(198, 104, 100) * grooves[..., None]
    pink = mix(pink.astype(np.float32), linear(172, 76, 78), upper_lip * 0.45)
    wet = 0.55 + 0.75 * bump(x, y, -0.05, MOUTH_Y + 0.165 * opened + 0.030, 0.10, 0.018)
    lit_lips = shaded(pink.astype(np.float32), (z + relief).astype(np.float32), wet.astype(np.float32))

    depth = np.clip((y - inner_top) / 0.15, 0, 1)
    mouth = np.broadcast_to(linear(74, 22, 22), skin.shape) * (0.75 - 0.55 * depth)[..., None]
    tongue = np.exp(-(((x / (0.62 * half)) ** 2 + ((y - inner_low - 0.006) / (0.012 + 0.065 * opened)) ** 2) ** 1.5))
    mouth = mix(mouth, linear(176, 84, 84) * 0.55, tongue * 0.85)
    curve = 1 - 0.62 * np.clip(np.abs(x) / (0.86 * half), 0, 1) ** 2
    from_gap = np.abs((np.abs(x) + 0.0225) % 0.045 - 0.0225)
    gaps = 1 - 0.30 * np.exp(-0.5 * (from_gap / 0.0022) ** 2)
    enamel = np.broadcast_to(linear(238, 229, 216), skin.shape) * (0.62 * curve * gaps)[..., None]
    tooth_end = seam + 0.036 - 0.010 * (np.abs(x) / half) + 0.003 * np.cos(x * 2 * np.pi / 0.045)
    upper_teeth = (1 - ramp(y, tooth_end - soft, tooth_end + soft)) * (1 - ramp(np.abs(x), 0.74 * half, 0.86 * half))
    mouth = mix(mouth, enamel.astype(np.float32), upper_teeth)
    lower_start = seam + 0.085 * opened + 0.060 + 0.05 * (x / half) ** 2
    lower_teeth = ramp(y, lower_start - soft, lower_start + soft) * (1 - ramp(np.abs(x), 0.45 * half, 0.62 * half))
    mouth = mix(mouth, (enamel * 0.55).astype(np.float32), lower_teeth * 0.9)
    mouth = mouth * (1 - 0.55 * (1 - ramp(y - inner_top, 0.0, 0.045)))[..., None]
    mouth = mouth * (1 - 0.5 * ramp(np.abs(x), 0.55 * half, half))[..., None]

    shadow = 0.30 * np.exp(-0.5 * (((y - outer_low - 0.022) / 0.020) ** 2 + (x / (0.62 * half)) ** 2))
    corners = 0.34 * np.exp(-0.5 * (((np.abs(x) - half - 0.004) / 0.017) ** 2 + ((y - seam) / 0.020) ** 2))
    out = skin * (1 - (shadow + corners)[..., None] * np.array([0.75, 0.95, 1.0], np.float32))
    out = mix(out, lit_lips, lips * 0.93)
    out = mix(out, mouth.astype(np.float32), cavity)
    closed_line = np.exp(-0.5 * ((y - (inner_top + inner_low) / 2) / 0.0055) ** 2) * between * (1 - gap)
    edge = np.exp(-0.5 * ((y - inner_top) / 0.006) ** 2) * between * gap * 0.4
    out = mix(out, linear(78, 24, 24) * 0.6, np.clip(0.85 * closed_line + edge, 0, 1))
    return cv2.GaussianBlur(out, (0, 0), 0.25 * SUPERSAMPLING).astype(np.float32)
