"""Lit skin of a head that does not move: complexion, nose, brows, beard."""

import numpy as np

from training.synthetic import form
from training.synthetic.canvas import Canvas, Image, bump, linear, mix, pair, ramp, shaded, spline
from training.synthetic.identity import Identity

_SHADE_RGB = np.array([0.75, 0.95, 1.0], np.float32)
"""Shadows on skin keep some red."""


def lit_skin(identity: Identity, canvas: Canvas, z: Image) -> Image:
    """H×W×3 linear light; no eyes, mouth and hair."""
    x, y = canvas.grid()
    albedo = _complexion(identity, x, y)
    beard = _beard(identity, canvas, x, y)
    albedo = mix(albedo, linear(identity.hair_colour) * 0.9, beard)
    gloss = 0.35 + 0.45 * bump(x, y, 0, -0.45, 0.30, 0.16) + 0.7 * bump(x, y, 0, identity.nose_y - 0.13, 0.07, 0.10)
    gloss = gloss * identity.gloss * (1 - 0.8 * beard)
    skin = shaded(albedo, z, gloss, identity.light, canvas.px_per_unit)
    sunk = np.clip(canvas.blurred(z, 0.07) - z, 0, None) * 4.0 + np.clip(canvas.blurred(z, 0.025) - z, 0, None) * 6.0
    shade = np.clip(sunk, 0, 0.40) + _creases(identity, x, y)
    skin = skin * (1 - np.clip(shade, 0, 0.75)[..., None] * _SHADE_RGB)
    skin = mix(skin, skin * linear((120, 70, 60)), _nostrils(identity, x, y))
    return mix(skin, linear(identity.brow_colour) * 0.85, 0.85 * _brows(identity, canvas))


def _complexion(identity: Identity, x: Image, y: Image) -> Image:
    tone = np.broadcast_to(linear(identity.skin), (*x.shape, 3))
    blush = 0.55 * pair(x, y, 0.40, 0.27, 0.16, 0.13) + 0.40 * bump(x, y, 0, identity.nose_y - 0.10, 0.10, 0.07)
    blush = (blush + 0.22 * bump(x, y, 0, identity.chin_y - 0.10, 0.14, 0.08)) * identity.blush
    socket = 0.30 * pair(x, y, 0.27, 0.085, 0.12, 0.045) + 0.30 * pair(x, y, 0.29, -0.085, 0.14, 0.035)
    tone = tone * (1 - blush[..., None] * np.array([0.02, 0.20, 0.22], np.float32))
    return np.asarray(tone * (1 - socket[..., None] * np.array([0.30, 0.40, 0.36], np.float32)), np.float32)


def _creases(identity: Identity, x: Image, y: Image) -> Image:
    nose = identity.nose_y
    shadow = 0.30 * bump(x, y, -0.08 * identity.light.key_xyz[0], nose + 0.015, 0.11, 0.025)
    fold = np.abs(np.abs(x) - (0.165 + 0.36 * (y - nose + 0.07)))
    fold_ends = ramp(y, nose - 0.07, nose) * (1 - ramp(y, nose + 0.04, nose + 0.15))
    return np.asarray(shadow + 0.12 * np.exp(-0.5 * (fold / 0.018) ** 2) * fold_ends)


def _nostrils(identity: Identity, x: Image, y: Image) -> Image:
    beside = np.abs(x) / identity.nose_width
    tilt = (beside - 0.064) * 0.35
    form_2 = ((beside - 0.066) / 0.036) ** 2 + ((y - identity.nose_y + 0.022 - tilt) / 0.0165) ** 2
    return np.asarray(0.85 * np.exp(-(form_2**2)), np.float32)


def _brows(identity: Identity, canvas: Canvas) -> Image:
    middle = identity.eye_y - identity.brow_y
    arch, half = identity.brow_arch, identity.brow_thickness
    inner = identity.eye_x - 0.165
    spine = spline([(inner, middle + 0.012), (inner + 0.10, middle - 0.35 * arch), (inner + 0.22, middle - arch),
                    (inner + 0.32, middle - 0.5 * arch), (inner + 0.405, middle + 0.040)], 60)  # fmt: skip
    thick = np.interp(np.linspace(0, 1, 60), [0, 0.15, 0.6, 1], [0.70, 1.0, 0.8, 0.2])[:, None] * half
    up = np.array([[0, 1]], np.float32)
    body = np.concatenate([spine - up * thick, (spine + up * thick)[::-1]])
    coverage = canvas.polygon(body) + canvas.polygon(body * np.array([-1, 1]))
    return canvas.blurred(coverage, 0.009)


def _beard(identity: Identity, canvas: Canvas, x: Image, y: Image) -> Image:
    """Beard and moustache, coverage H×W."""
    if not identity.beard and not identity.moustache:
        return np.zeros_like(x)
    mouth, half = identity.mouth_y, identity.mouth_half_width
    edge = form.half_width(identity, y)
    inside = np.abs(x) / np.maximum(edge, 1e-3)
    # From the sideburns along the cheek to below the corners of the mouth.
    cheek_line = mouth + 0.085 - 0.46 * ramp(inside, 0.52, 1.02)
    beard = ramp(y - cheek_line, -0.05, 0.05) * (y < identity.chin_y + 0.02)
    beard *= 1 - ramp(inside, 0.95, 1.02) * ramp(-y, -0.05, 0.05)
    above = mouth - 0.090 + 0.10 * (np.abs(x) / half) ** 2
    moustache = np.exp(-(((y - above) / 0.048) ** 4)) * (1 - ramp(np.abs(x), 0.95 * half, 1.25 * half))
    return canvas.blurred(np.maximum(identity.beard * beard, identity.moustache * moustache), 0.012)
