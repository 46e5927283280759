"""Eyes with lids, and glasses."""

import numpy as np
from numpy.typing import NDArray

from training.synthetic.canvas import Canvas, Image, linear, mix, ramp
from training.synthetic.identity import Identity

WINDOW = (0.09, 0.56, -0.24, 0.20)
"""Left, right, top, bottom of what an eye and its glass may change, on the right side of the face."""


def draw_eye(skin: Image, canvas: Canvas, identity: Identity, side: int, blink: float) -> Image:
    """One eye over the lit skin (linear light) of its canvas; `side` is +1 for the eye on the image's right."""
    x, y = canvas.grid()
    pixel = 1 / canvas.px_per_unit
    soft = 0.8 * pixel
    width = identity.eye_width
    s = (side * x - (identity.eye_x - width / 2)) / width
    inside = np.clip(s, 0, 1)
    y = y - identity.eye_y
    corner = 0.010 - identity.eye_slant * inside
    arch = (4 * inside * (1 - inside)) ** 0.72 * identity.eye_height
    upper = corner - 0.082 * arch * (1.06 - 0.16 * inside)
    lower = corner + 0.044 * arch * (0.86 + 0.28 * inside)
    lid = upper + blink * (lower - upper) * 0.96
    within = ramp(s, -0.02, 0.04) * (1 - ramp(s, 0.96, 1.02))
    opened = ramp(y, lid - soft, lid + soft) * (1 - ramp(y, lower - soft, lower + soft)) * within

    ball = _eyeball(skin, x, y, s, identity, side)
    ball = ball * (1 - 0.55 * (1 - ramp(y - lid, 0.0, 0.05)))[..., None]
    lit = skin.mean(axis=(0, 1)) / np.maximum(linear(identity.skin), 1e-3)
    ball = ball * np.clip(lit, 0.35, 1.0)
    gaze = side * identity.eye_x
    glint = 1 - ramp(np.hypot(x - gaze + 0.018, y + 0.034), 0.008, 0.017)
    ball = ball + 0.8 * glint[..., None]

    closing = ramp(y, upper - soft, upper + soft) * (1 - ramp(y, lid - soft, lid + soft)) * within
    depth = np.clip(1 - ((s - 0.5) / 0.62) ** 2, 0, 1)
    lid_skin = linear(identity.skin) * (np.clip(lit, 0.3, 1.2) * np.array([0.92, 0.84, 0.82], np.float32))
    lid_skin = lid_skin * (0.80 + 0.18 * depth)[..., None]
    out = mix(mix(skin, lid_skin, closing * min(1.0, 8 * blink)), ball, opened)

    around = ramp(s, -0.06, 0.10) * (1 - ramp(s, 0.96, 1.12))
    crease_y = corner - 0.085 * arch - 0.034 + 0.018 * blink
    crease = np.exp(-0.5 * ((y - crease_y) / 0.011) ** 2) * around * (0.40 - 0.22 * blink)
    bag = np.exp(-0.5 * ((y - lower - 0.034) / 0.014) ** 2) * around * 0.14
    out = out * (1 - (crease + bag)[..., None] * np.array([0.75, 0.95, 1.0], np.float32))
    thick = 0.0085 + 0.0095 * np.clip(s, 0, 1)
    lashes = np.exp(-(((y - lid + 0.4 * thick) / thick) ** 4)) * ramp(s, -0.02, 0.14) * (1 - ramp(s, 0.98, 1.06))
    fringe = 0.30 * np.exp(-0.5 * ((y - lower - 0.004) / 0.008) ** 2) * ramp(s, 0.3, 0.9) * (1 - ramp(s, 0.97, 1.02))
    dark = linear(identity.brow_colour) * 0.25 + linear((18, 13, 12)) * 0.75
    return mix(out, dark, np.clip(0.90 * lashes + fringe, 0, 0.95))


def with_glasses(rgba: NDArray[np.uint8], identity: Identity, canvas: Canvas) -> NDArray[np.uint8]:
    """The person's glasses, if any, over a part of the head's texture (H×W×4, the part that `canvas` spans)."""
    if identity.glasses == "none":
        return rgba
    lines = _glass_lines(identity)
    share = np.max([canvas.stroke(line, 0.020) for line in lines], axis=0)[..., None] * (rgba[..., 3:] > 0)
    colour = np.array([*identity.glasses_colour, 255], np.float32)
    return np.asarray(np.round(rgba + (colour - rgba) * share), np.uint8)


def _glass_lines(identity: Identity) -> list[Image]:
    """Two rims, the bridge and the temples, each n×2 units."""
    half_w, half_h = 0.205, 0.165
    roundness = 1.0 if identity.glasses == "round" else 0.55
    turn = np.linspace(0, 2 * np.pi, 61)
    cos, sin = np.cos(turn), np.sin(turn)
    rim = np.stack([half_w * _power(cos, roundness), half_h * _power(sin, roundness)], 1)
    middle = np.array([identity.eye_x + 0.005, identity.eye_y + 0.015])
    edge, level = middle[0] - half_w, middle[1]
    bridge = np.array([[-edge, level - 0.03], [0, level - 0.055], [edge, level - 0.03]])
    temple = np.array([[middle[0] + half_w, level - 0.04], [0.70, level - 0.06]])
    other_side = np.array([-1, 1])
    return [rim + middle, (rim + middle) * other_side, bridge, temple, temple * other_side]


def _power(value: Image, exponent: float) -> Image:
    """Keeps the sign: with it an ellipse becomes a rounded rectangle."""
    return np.asarray(np.sign(value) * np.abs(value) ** exponent)


def _eyeball(skin: Image, x: Image, y: Image, s: Image, identity: Identity, side: int) -> Image:
    depth = np.clip(1 - ((s - 0.5) / 0.62) ** 2, 0, 1)
    ball = np.broadcast_to(linear((232, 226, 222)), skin.shape) * (0.42 + 0.50 * depth)[..., None]
    ball = mix(ball, linear((206, 132, 122)) * 0.8, 0.8 * (1 - ramp(s, 0.03, 0.13)))
    cx, cy = side * identity.eye_x, -0.018
    radius = np.hypot(x - cx, y - cy) / 0.0620
    lit_below = 0.70 + 0.45 * np.clip((y - cy) / 0.05, -0.8, 1)
    iris = linear(identity.iris) * lit_below[..., None]
    iris = mix(iris, linear(identity.iris) * 0.25, 0.8 * ramp(radius, 0.76, 1.0))
    iris = mix(iris, linear((10, 10, 11)), 1 - ramp(radius, 0.34, 0.48))
    return mix(ball, iris, 1 - ramp(radius, 0.92, 1.08))
