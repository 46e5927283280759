"""The form of a bare head: its outline and its height towards the viewer."""

import numpy as np

from training.synthetic.canvas import Canvas, Image, bump, mirrored, pair, ramp, spline
from training.synthetic.identity import Identity

_OUTLINE = np.array([
    (0.0, -1.02), (0.22, -0.99), (0.42, -0.87), (0.57, -0.68), (0.655, -0.42), (0.685, -0.15), (0.675, 0.12),
    (0.645, 0.36), (0.585, 0.57), (0.475, 0.76), (0.335, 0.91), (0.18, 1.005), (0.0, 1.03),
])  # fmt: skip
"""The right half of the average head; everything here is drawn on it and stretched to the person."""
_CHIN_Y = 1.03
_NOSE_Y = 0.47
EAR_Y = 0.10


def outline(identity: Identity) -> Image:
    """The closed outline of the head without ears, n×2 units."""
    x, y = _OUTLINE.T
    widths = np.interp(y, [-0.1, 0.75], [identity.face_width, identity.face_width * identity.jaw_width])
    below = np.where(y > 0, y * identity.chin_y / _CHIN_Y, y)
    return mirrored(spline(np.stack([x * widths, below], 1), 200))


def half_width(identity: Identity, y: Image) -> Image:
    """Half the width of the head at a height, units."""
    right = outline(identity)[:200]
    return np.interp(y, right[:, 1], right[:, 0]).astype(np.float32)


def ears(identity: Identity, canvas: Canvas) -> Image:
    """Coverage of both ears, H×W."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    lobe = 1 - 0.25 * np.clip(np.sin(turn), 0, 1)
    oval = np.stack([0.085 * lobe * np.cos(turn), 0.185 * np.sin(turn)], 1)
    middle = np.array([0.705 * identity.face_width, EAR_Y])
    return canvas.polygon(oval + middle) + canvas.polygon((oval + middle) * np.array([-1, 1]))


def height(identity: Identity, canvas: Canvas) -> Image:
    """Height of the head in units, H×W; without lips, which move."""
    x, y = canvas.grid()
    across = np.clip(np.abs(x) / np.maximum(half_width(identity, y), 1e-3), 0, 1)
    x = x / identity.face_width
    nose_x = x / identity.nose_width
    below = np.where(y > 0, y * _CHIN_Y / identity.chin_y, y)
    # The middle of the face follows the person's nose, the lower part chin and mouth.
    nose_y = y + (_NOSE_Y - identity.nose_y) * ramp(y, -0.1, 0.25)
    y = below

    down = np.clip(np.where(y < -0.1, (-0.1 - y) / 0.94, (y + 0.1) / 1.15), 0, 1)
    dome = 0.66 * np.sqrt(np.clip(1 - across**2.3, 0, 1)) * np.sqrt(np.clip(1 - down**3.2, 0, 1))
    z = canvas.blurred(dome, 0.02)
    z += 0.025 * pair(x, y, 0.30, -0.20, 0.16, 0.06) - 0.075 * pair(x, y, 0.285, -0.02, 0.13, 0.085)
    z += 0.050 * pair(x, y, identity.eye_x, 0.02, 0.10, 0.060)
    z += 0.030 * pair(x, y, 0.42, 0.24, 0.17, 0.14) - 0.020 * pair(x, y, 0.42, 0.60, 0.13, 0.14)
    z += _nose(nose_x, nose_y)
    z += 0.045 * bump(x, y, 0, 0.62, 0.24, 0.13)
    z -= 0.016 * bump(x, y, 0, 0.52, 0.022, 0.035) + 0.024 * bump(x, y, 0, 0.785, 0.15, 0.035)
    z += 0.040 * bump(x, y, 0, 0.90, 0.13, 0.085)
    return z.astype(np.float32)


def depth(canvas: Canvas, z: Image) -> Image:
    """How far every point lies before the axis of the head, H×W units; the hair lies on a dome."""
    x, y = canvas.grid()
    dome = 0.55 * np.sqrt(np.clip(1 - (x / 1.1) ** 2 - ((y - 0.05) / 1.4) ** 2, 0, 1))
    return canvas.blurred(np.maximum(z, dome), 0.05)


def _nose(x: Image, y: Image) -> Image:
    along = ramp(y, -0.20, 0.36)
    ridge = (0.035 + 0.125 * along) * np.exp(-0.5 * (x / (0.070 + 0.036 * along)) ** 2)
    ridge = ridge * ramp(y, -0.34, -0.05) * (1 - ramp(y, 0.36, 0.47))
    wings = 0.070 * pair(x, y, 0.118, 0.400, 0.048, 0.046) - 0.018 * pair(x, y, 0.176, 0.410, 0.024, 0.045)
    return np.asarray(ridge + 0.060 * bump(x, y, 0, 0.350, 0.085, 0.066) + wings)
