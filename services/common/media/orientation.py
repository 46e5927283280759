"""Display matrices: how the coded picture has to be turned to be upright."""

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.common.media.planes import Plane

RotationDeg = Literal[0, 90, 180, 270]


@dataclass(frozen=True)
class Orientation:
    """What makes a coded picture upright: mirrored left–right first, then turned clockwise."""

    rotation_deg: RotationDeg = 0
    mirrored: bool = False

    @property
    def is_quarter_turn(self) -> bool:
        return self.rotation_deg in (90, 270)

    def upright(self, plane: Plane) -> Plane:
        """The plane turned; a copy in plain row order unless nothing has to be done."""
        if self == Orientation():
            return plane
        mirrored: Plane = plane[:, ::-1] if self.mirrored else plane
        upright: Plane = np.rot90(mirrored, k=-(self.rotation_deg // 90)).copy()
        upright.flags.writeable = False
        return upright


def orientation_of(display_matrix: bytes) -> Orientation:
    """Reads a 3×3 display matrix (nine native int32, as FFmpeg hands it over), to the nearest quarter turn.

    A coded point (x, y), y downwards, is displayed at (a·x + c·y, b·x + d·y) with a, b = m[0], m[1] and
    c, d = m[3], m[4] (ISO/IEC 14496-12, 6.2.2).
    """
    a, b, _, c, d, *_ = struct.unpack("=9i", display_matrix[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) >= abs(b):
        return Orientation(0 if a >= 0 else 180, mirrored)
    return Orientation(90 if b > 0 else 270, mirrored)
