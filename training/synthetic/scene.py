"""What is behind the head: neck, clothes, and a background out of focus."""

import numpy as np

from training.synthetic import form, hair
from training.synthetic.canvas import Canvas, Image, linear, mix, ramp, shaded, spline, srgb
from training.synthetic.identity import Identity

PX_PER_UNIT = 64
LEFT, TOP, RIGHT, BOTTOM = -3.0, -2.6, 3.0, 3.0
"""What is drawn of the scene; beyond it its edge goes on."""


def scene(identity: Identity) -> tuple[Canvas, Image]:
    """The scene without the head: its canvas and sRGB 0…255, H×W×3."""
    canvas = Canvas.spanning(LEFT, TOP, RIGHT, BOTTOM, PX_PER_UNIT)
    x, y = canvas.grid()
    turn = identity.background_angle_rad
    along = ramp(np.cos(turn) * x + np.sin(turn) * y, -2.6, 2.6)
    first, second = (linear(colour) for colour in identity.background)
    picture: Image = first * (1 - along[..., None]) + second * along[..., None]
    behind = hair.hair_behind(identity)
    if behind is not None:
        picture = mix(picture, linear(identity.hair_colour) * 0.45, canvas.polygon(behind))
    return canvas, srgb(_shoulders(identity, canvas, x, y, picture))


def _shoulders(identity: Identity, canvas: Canvas, x: Image, y: Image, picture: Image) -> Image:
    chin, wide = identity.chin_y, identity.face_width * identity.jaw_width
    edge = np.interp(y - chin, [-0.4, 0.0, 0.25, 0.42, 0.60], [0.42, 0.41, 0.42, 0.49, 0.70]).astype(np.float32) * wide
    z = canvas.blurred(0.40 * np.sqrt(np.clip(1 - (np.abs(x) / edge) ** 2, 0, 1)), 0.03)
    tone = np.broadcast_to(linear(identity.skin) * 0.95, (*x.shape, 3))
    skin = shaded(tone.astype(np.float32), z, 0.2, identity.light, canvas.px_per_unit)
    outline = form.outline(identity) * np.array([0.98, 1.0]) + np.array([-0.10 * identity.light.key_xyz[0], 0.15])
    under_chin = canvas.blurred(canvas.polygon(outline), 0.06)
    skin = skin * (1 - under_chin[..., None] * np.array([0.50, 0.60, 0.62], np.float32))

    dip = 0.80 if identity.open_collar else 0.60
    seam = [(-2.9, 1.75), (-2.0, 1.05), (-1.45, 0.72), (-0.95, 0.55), (-0.62, 0.43), (-0.49, 0.395), (-0.40, 0.44),
            (-0.17, dip - 0.05), (0.0, dip)]  # fmt: skip
    left = spline(seam, 120) + np.array([0, chin], np.float32)
    garment = canvas.polygon(np.concatenate([left, left[::-1] * np.array([-1, 1]), [[2.9, 4], [-2.9, 4]]]))
    garment = canvas.blurred(garment, 0.022)
    drape = 0.55 * np.sqrt(np.clip(1 - (np.abs(x) / 2.9) ** 2.4, 0, 1)) * ramp(y, chin + 0.2, chin + 1.2)
    cloth_tone = np.broadcast_to(linear(identity.clothes), (*x.shape, 3)).astype(np.float32)
    cloth = shaded(cloth_tone, canvas.blurred(drape, 0.05), 0.05, identity.light, canvas.px_per_unit)
    cloth = cloth * (1 - 0.4 * canvas.blurred(canvas.polygon(outline * 1.1 + np.array([0, 0.25])), 0.16))[..., None]

    neck = ramp(edge - np.abs(x), -0.012, 0.012) * (y > chin - 0.5)
    return mix(mix(picture, skin, neck), cloth, garment)
