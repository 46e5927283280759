"""Hair as one soft lit mass per style: no strands, which a small autoencoder would only smear."""

import cv2
import numpy as np

from training.synthetic.canvas import Canvas, Image, linear, mirrored, ramp, shaded, spline
from training.synthetic.identity import HairStyle, Identity

_LENGTHS: dict[HairStyle, float] = {
    "buzz": -0.02, "short": 0.02, "swept": 0.04, "curly": 0.10, "bob": 0.84, "long": 1.50, "tied": -0.05,
}  # fmt: skip
"""How far down the hair reaches at the sides, units."""
_FULLNESS: dict[HairStyle, float] = {
    "buzz": 0.012, "short": 0.07, "swept": 0.12, "curly": 0.17, "bob": 0.13, "long": 0.13, "tied": 0.04,
}  # fmt: skip
_CURTAINS: frozenset[HairStyle] = frozenset({"bob", "long"})


def hair(identity: Identity, canvas: Canvas) -> tuple[Image, Image]:
    """Colour (H×W×3 linear light) and coverage (H×W) of the hair in front of head and shoulders."""
    style = identity.hair
    shape = (canvas.height_px, canvas.width_px)
    if style == "bald":
        return np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    mass = canvas.polygon(_silhouette(identity))
    if style == "tied":
        mass = np.maximum(mass, canvas.polygon(_knot()))
    mass = mass * (1 - canvas.polygon(_opening(identity)))
    soft = {"buzz": 0.030, "curly": 0.016}.get(style, 0.009)
    coverage = canvas.blurred(mass, soft) * (0.80 if style == "buzz" else 1.0)
    return _lit(identity, canvas, mass), coverage


def hair_behind(identity: Identity) -> Image | None:
    """Outline of what hangs behind the neck, n×2 units."""
    if identity.hair not in _CURTAINS:
        return None
    low = _LENGTHS[identity.hair]
    return mirrored(spline([(0.0, -0.3), (0.62, -0.2), (0.74, 0.4), (0.70, low - 0.05), (0.3, low + 0.02)], 80))


def shadow(identity: Identity, canvas: Canvas, coverage: Image) -> Image:
    """How much the hair darkens the skin under its edge, H×W."""
    if identity.hair in ("bald", "buzz"):
        return np.zeros_like(coverage)
    fall = np.array([[1, 0, 0.025 * canvas.px_per_unit], [0, 1, 0.04 * canvas.px_per_unit]], np.float32)
    fall[0, 2] *= -np.sign(identity.light.key_xyz[0])
    moved = cv2.warpAffine(coverage, fall, (canvas.width_px, canvas.height_px))
    return np.asarray(0.40 * canvas.blurred(np.asarray(moved, np.float32), 0.03))


def _silhouette(identity: Identity) -> Image:
    wide, style = identity.face_width, identity.hair
    full = _FULLNESS[style] * (0.7 + 0.6 * identity.hair_volume)
    low = _LENGTHS[style]
    if style == "curly":
        turn = np.linspace(0, 2 * np.pi, 80, endpoint=False)
        return np.stack([(0.66 * wide + 0.8 * full) * np.sin(turn), (0.70 + full) * np.cos(turn) - 0.44], 1)
    crown = [(0.0, -1.02 - full), (0.24, -0.995 - full), (0.45, -0.90 - 0.9 * full)]
    if style in _CURTAINS:
        side = 0.685 * wide + 0.85 * full
        right = [*crown, (side - 0.07, -0.60), (side + 0.005, -0.25), (side + 0.03, 0.2),
                 (side + 0.04, 0.6 * low + 0.1), (side - 0.03, low - 0.02), (0.50, low + 0.01), (0.0, low)]  # fmt: skip
    else:
        close = 0.25 * full
        right = [*crown, (0.60 * wide + 0.6 * full, -0.68), (0.665 * wide + close, -0.40),
                 (0.69 * wide + close, -0.14), (0.675 * wide, low - 0.03), (0.640 * wide, low + 0.07),
                 (0.60 * wide, low), (0.3, -0.1), (0.0, -0.1)]  # fmt: skip
    outline = mirrored(spline(right, 120))
    if style == "swept":
        outline[:, 0] += 0.16 * identity.parting * np.clip(-outline[:, 1] - 0.6, 0, 1)
    return outline


def _opening(identity: Identity) -> Image:
    """Where the face shows."""
    wide, top, style = identity.face_width, identity.hairline_y, identity.hair
    temple = {"short": 0.555, "swept": 0.565, "curly": 0.53, "buzz": 0.57}.get(style, 0.56) * wide
    right = [(0.0, top), (0.22, top + 0.01), (0.42, top + 0.10), (temple, -0.26), (temple + 0.055 * wide, -0.02)]
    if style in _CURTAINS:
        low = _LENGTHS[style]
        right += [(0.60 * wide, 0.3), (0.585 * wide, 0.6), (0.56, 0.9), (0.52, low + 0.2), (0.0, low + 0.3)]
    else:
        right += [(temple + 0.07 * wide, 0.3), (0.5, 0.6), (0.0, 0.6)]
    opening = mirrored(spline(right, 120))
    if style in ("swept", "bob", "long"):
        peak = np.exp(-(((opening[:, 0] - 0.45 * identity.parting) / 0.20) ** 2))
        opening[:, 1] -= 0.13 * peak * (opening[:, 1] < -0.3)
        opening[:, 1] += 0.05 * (opening[:, 1] < -0.4)
    return opening


def _knot() -> Image:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([0.22 * np.cos(turn), -1.12 + 0.17 * np.sin(turn)], 1)


def _lit(identity: Identity, canvas: Canvas, mass: Image) -> Image:
    """Shaded like a thick soft rim around the head, with a band of shine over the crown."""
    x, y = canvas.grid()
    outer = canvas.polygon(_silhouette(identity))
    depth_px = cv2.distanceTransform((np.maximum(outer, mass) > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    depth = np.clip(depth_px / (0.40 * canvas.px_per_unit), 0, 1)
    z = canvas.blurred(0.34 * np.sqrt(1 - (1 - depth) ** 2), 0.035)
    gloss = 0.15 if identity.hair in ("buzz", "curly") else 0.55
    angle = np.arctan2(x - 0.2 * identity.light.key_xyz[0], -(y + 0.25))
    shine = np.exp(-(((np.hypot(x, y + 0.15) - 0.80) / 0.10) ** 2)) * np.exp(-((angle / 0.9) ** 2))
    base = np.broadcast_to(linear(identity.hair_colour), (*x.shape, 3))
    albedo = base * (0.85 + 1.1 * gloss * shine)[..., None]
    lit = shaded(albedo.astype(np.float32), z, gloss * 0.4, identity.light, canvas.px_per_unit)
    under = ramp(y, 0.1, 1.3) * 0.3
    return np.asarray(lit * (1 - under)[..., None], np.float32)
