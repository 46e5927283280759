"""The mouth: lips, teeth and tongue as a function of the viseme."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.canvas import Canvas, Image, Srgb
from training.synthetic.identity import Identity

OPEN, WIDE, ROUND = range(3)
REST = (0.0, 0.35, 0.0)
"""The viseme (open, wide, round) of a silent mouth."""

JAW_SHARE = 0.52
"""How far the chin falls, relative to the inner height of the mouth."""
_TONGUE: Srgb = (176, 84, 84)
_CAVITY: Srgb = (52, 18, 20)
_SEAM: Srgb = (70, 26, 26)


@dataclass(frozen=True)
class MouthShape:
    """Edges of the lips over the columns `x`, all in head units; y grows downwards."""

    half_width: float
    gap: float
    """Inner height in the middle."""
    outer_top: Image
    inner_top: Image
    inner_low: Image
    outer_low: Image

    @property
    def jaw_drop(self) -> float:
        return JAW_SHARE * self.gap


def mouth_shape(identity: Identity, viseme: NDArray[np.floating], x: Image) -> MouthShape:
    """The lips of `viseme` (open, wide, round in 0…1) at the columns `x`.

    The gap grows in proportion to `open`; the width grows with `wide` and shrinks with `round`, whatever the gap.
    """
    opened, wide, pursed = (float(value) for value in viseme)
    half = identity.mouth_half_width * (1 + 0.18 * (wide - REST[WIDE]) - 0.36 * pursed)
    gap = identity.mouth_gap * opened * (1 - 0.20 * pursed)
    s = np.clip(x / half, -1, 1)
    across = 1 - s * s
    beside = np.abs(s)
    corners = -(0.012 + 0.022 * wide) * beside**2.2 + 0.20 * gap * beside**2
    seam = identity.mouth_y + corners + 0.006 * np.exp(-((s / 0.22) ** 2))
    inner_top = seam - 0.20 * gap * across**0.7
    inner_low = seam + 0.80 * gap * across**0.45
    fuller = 1 + 0.30 * pursed - 0.10 * (wide - REST[WIDE])
    bow = 1 - 0.22 * np.exp(-((s / 0.13) ** 2)) + 0.05 * np.exp(-(((beside - 0.25) / 0.12) ** 2))
    outer_top = inner_top - identity.lip_upper * fuller * (1 - 0.10 * opened) * across**0.8 * bow
    outer_low = inner_low + identity.lip_lower * fuller * (1 - 0.10 * opened) * across**0.46
    return MouthShape(half, gap, outer_top, inner_top, inner_low, outer_low)


def window(identity: Identity) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what the mouth may change."""
    half = 1.13 * identity.mouth_half_width + 0.05
    bottom = 0.85 * identity.mouth_gap + 1.4 * identity.lip_lower + 0.07
    return -half, identity.mouth_y - 1.4 * identity.lip_upper - 0.09, half, identity.mouth_y + bottom


def draw_mouth(
    skin_chw: Image, canvas: Canvas, identity: Identity, viseme: NDArray[np.floating], light_chw: Image
) -> None:
    """Draws the mouth into the skin of its canvas, float32 3×H×W sRGB 0…255, in place.

    `light_chw`, of the same shape, is what a white surface there would look like, 1 = full.
    """
    x, y = canvas.axes()
    shape = mouth_shape(identity, viseme, x)
    px = np.float32(canvas.px_per_unit)
    sides = np.clip((shape.half_width - np.abs(x)) * px * 0.7 + 0.5, 0, 1)

    def below(edge: Image, sharpness: float = 1.0) -> Image:
        """Coverage of what lies under an edge."""
        return np.clip((y - edge) * (px * np.float32(sharpness)) + np.float32(0.5), 0, 1)

    under_top, under_inner = below(shape.outer_top, 0.7), below(shape.inner_top)
    over_inner, over_low = below(shape.inner_low), below(shape.outer_low, 0.7)
    _shade_around(skin_chw, shape, x, y)
    upper, lower = under_top - np.minimum(under_inner, under_top), over_inner - np.minimum(over_inner, over_low)
    thick_top = np.maximum(shape.inner_top - shape.outer_top, 1e-3)
    thick_low = np.maximum(shape.outer_low - shape.inner_low, 1e-3)
    toward_top = np.clip((y - shape.outer_top) / thick_top, 0, 1)
    toward_low = np.clip((y - shape.inner_low) / thick_low, 0, 1)
    # The upper lip turns away from the light, the lower one catches it on its cushion.
    tone = upper * (0.90 - 0.16 * toward_top)
    tone += lower * (0.90 + 0.34 * toward_low - 0.42 * toward_low * toward_low)
    cover = (upper + lower) * sides
    shine = lower * np.exp(-(((toward_low - 0.38) / 0.22) ** 2) - (x / (0.55 * shape.half_width)) ** 2)
    level = np.divide(tone, upper + lower, out=np.ones_like(tone), where=(upper + lower) > 1e-3)
    for channel in range(3):
        lit = light_chw[channel] * (identity.lip_colour[channel] * level + 26 * identity.gloss * shine)
        skin_chw[channel] += cover * (lit - skin_chw[channel])

    _draw_inside(skin_chw, shape, x, y, canvas, identity, viseme, light_chw)
    closed = max(0.0, 1 - shape.gap * canvas.px_per_unit / 3)
    line_y = (shape.inner_top + shape.inner_low) / 2
    line = np.exp(-0.5 * ((y - line_y) / 0.0085) ** 2) * sides * np.float32(0.85 * closed)
    for channel in range(3):
        skin_chw[channel] += line * (_SEAM[channel] / 255 * identity.lip_colour[channel] - skin_chw[channel])


def _shade_around(skin_chw: Image, shape: MouthShape, x: Image, y: Image) -> None:
    """Corners, and the shadow that the lower lip throws on the chin."""
    lowest = float(shape.outer_low.max())
    shadow_x = 0.26 * np.exp(-0.5 * (x / (0.6 * shape.half_width)) ** 2)
    corners_x = 0.30 * np.exp(-0.5 * ((np.abs(x) - shape.half_width - 0.004) / 0.018) ** 2)
    seam = float(shape.inner_top[0, 0])
    dark = np.exp(-0.5 * ((y - lowest - 0.020) / 0.022) ** 2) * shadow_x
    dark += np.exp(-0.5 * ((y - seam) / 0.022) ** 2) * corners_x
    for channel, share in enumerate((0.75, 0.95, 1.0)):
        skin_chw[channel] *= 1 - np.float32(share) * dark


def _draw_inside(
    skin_chw: Image,
    shape: MouthShape,
    x: Image,
    y: Image,
    canvas: Canvas,
    identity: Identity,
    viseme: NDArray[np.floating],
    light_chw: Image,
) -> None:
    """Dark cavity, tongue, lower teeth when wide, upper teeth."""
    if shape.gap * canvas.px_per_unit < 0.15:
        return
    margin = 1.5 / canvas.px_per_unit
    rows = (y[:, 0] > shape.inner_top.min() - margin) & (y[:, 0] < shape.inner_low.max() + margin)
    first, last = np.flatnonzero(rows)[[0, -1]]
    at = slice(first, last + 1)
    y = y[at]
    px = np.float32(canvas.px_per_unit)
    half, gap = shape.half_width, shape.gap
    top, low = shape.inner_top, shape.inner_low
    beside = np.abs(x) / half
    opened = np.clip((y - top) * px + 0.5, 0, 1) * np.clip((low - y) * px + 0.5, 0, 1)
    opened = opened * np.clip((half - np.abs(x)) * px + 0.5, 0, 1)

    tongue_y = low - (0.30 * gap + 0.012) + 0.10 * (x / half) ** 2
    tongue = np.clip((y - tongue_y) * (px * 0.35) + 0.5, 0, 1) * (0.85 * np.clip(1.4 - 1.5 * beside, 0, 1))
    bared = np.clip(0.10 * (float(viseme[WIDE]) - 0.25), 0, 0.05) * min(1.0, gap / 0.08)
    lower_teeth_y = low - bared * np.clip(1.5 - 1.9 * beside, 0, 1)
    lower_teeth = np.clip((y - lower_teeth_y) * px + 0.5, 0, 1) * np.clip((low - lower_teeth_y) * px, 0, 1)
    tooth_height = min(0.75 * gap, (0.030 + 0.10 * gap) * (1 - 0.75 * float(viseme[ROUND])))
    upper_teeth = np.clip((top + tooth_height * np.clip(1.35 - beside**4 * 1.35, 0, 1) - y) * px + 0.5, 0, 1)
    upper_teeth = upper_teeth * np.clip((0.90 - beside) * half * px * 0.5, 0, 1)
    enamel = (0.92 - 0.42 * beside**2) * (0.72 + 0.28 * np.clip((y - top) / 0.02, 0, 1))
    deeper = 1 - 0.35 * beside
    for channel in range(3):
        inside = _CAVITY[channel] * deeper + np.zeros_like(y)
        inside = inside + tongue * (_TONGUE[channel] * 0.80 - inside)
        inside += lower_teeth * (identity.teeth[channel] * 0.66 - inside)
        inside += upper_teeth * (identity.teeth[channel] * enamel - inside)
        skin_chw[channel, at] += opened * (light_chw[channel, at] * inside - skin_chw[channel, at])
