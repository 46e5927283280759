"""Marking dubbed frames with a number that can be read back but not be seen."""

from dataclasses import replace
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.media.formats import layout_of
from services.common.media.picture import Picture
from services.common.media.planes import Plane
from services.common.provenance.carrier import SHORT_SIDE, pattern

_IN_SMOOTH: Final = 1.0
"""Levels (of 255) that the pattern's standard deviation has where a frame of SHORT_SIDE is smooth, …"""
_PER_DETAIL: Final = 0.25
"""… how many it gains with every level of mean detail, …"""
_MOST: Final = 2.5
"""… and how many it has at most."""
_MOST_IN_FRAME: Final = 1.6
"""Root mean square over the frame that it is kept to: a peak signal-to-noise ratio of 44 dB."""
_RELIEF: Final = 0.25
"""The more samples there are, the less each has to carry: strength falls with this power of the shorter side."""
_DETAIL_CAP: Final = 10
"""Detail beyond this many levels is an edge, which hides nothing beside it."""
_BLACK, _DARK = 16, 40
"""Luma where the pattern begins to show and where it is whole: black bars stay black."""
_CELL: Final = 4
"""Strength is worked out once for so many pixels across and down, at SHORT_SIDE; twice as many in twice the size."""


def watermarked(picture: Picture, payload: int) -> Picture:
    """`picture` with the payload (0 … 2⁶⁴ − 1) in its luma; in RGB, in all three planes alike."""
    layout = layout_of(picture.format)
    count = 3 if layout.is_rgb else 1
    strength = _strength(picture.planes[0], layout.bits)
    # In place: fresh memory for a frame of floats costs as much as the arithmetic.
    added = np.multiply(pattern(payload, picture.width, picture.height), strength, out=strength)
    marked = tuple(_with(plane, added, layout.bits) for plane in picture.planes[:count])
    return replace(picture, planes=marked + picture.planes[count:])


def _strength(luma: Plane, bits: int) -> NDArray[np.float32]:
    """How strong the pattern is at each sample, as its standard deviation in levels of 8 bits, h×w."""
    height, width = luma.shape
    cell_px = max(2.0, _CELL * min(height, width) / SHORT_SIDE)
    cells_wh = max(1, round(width / cell_px)), max(1, round(height / cell_px))
    halved = cv2.resize(luma, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    halved = cv2.convertScaleAbs(halved, alpha=2.0 ** (8 - bits))
    detail = np.minimum(cv2.absdiff(halved, cv2.blur(halved, (5, 5))), _DETAIL_CAP)
    spread = cv2.GaussianBlur(cv2.resize(detail, cells_wh, interpolation=cv2.INTER_AREA).astype(np.float32), (0, 0), 2)
    lit = (cv2.resize(halved, cells_wh, interpolation=cv2.INTER_AREA).astype(np.float32) - _BLACK) / (_DARK - _BLACK)
    relief = max(1.0, min(height, width) / SHORT_SIDE) ** -_RELIEF
    strength = relief * np.minimum(_IN_SMOOTH + _PER_DETAIL * spread, _MOST) * np.clip(lit, 0, 1)
    strength *= min(1.0, _MOST_IN_FRAME / max(1e-6, float(np.sqrt(np.mean(strength * strength)))))
    return np.asarray(cv2.resize(strength, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _with(plane: Plane, added: NDArray[np.float32], bits: int) -> Plane:
    """`plane` plus `added`, which is in levels of 8 bits."""
    if bits == 8:
        marked = cv2.add(plane, added, dtype=cv2.CV_8U)
    else:
        raised = cv2.add(plane, added * np.float32(1 << bits - 8), dtype=cv2.CV_16U)
        marked = np.minimum(raised, (1 << bits) - 1)
    marked.flags.writeable = False
    return cast(Plane, marked)
