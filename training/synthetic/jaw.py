"""The lower face, which falls with the jaw."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.canvas import Canvas, Image, ramp
from training.synthetic.identity import Identity


@dataclass(frozen=True, eq=False)
class Jaw:
    """The part of a head's texture that moves, and how."""

    window: tuple[slice, slice]
    columns: Image
    rows: Image
    """With `columns` the position of every pixel of the window in the window, px."""
    follows: Image
    """How much of the chin's fall each pixel takes part in, 0…1."""

    def drop(self, texture: NDArray[np.uint8], chin_px: float) -> None:
        """Stretches the lower face of an H×W×4 texture in place so that the chin falls by `chin_px`."""
        if chin_px < 0.05:
            return
        at_rest = texture[self.window].copy()
        moved = self.rows - np.float32(chin_px) * self.follows
        texture[self.window] = cv2.remap(at_rest, self.columns, moved, cv2.INTER_LINEAR)


def jaw_of(identity: Identity, canvas: Canvas) -> Jaw:
    """From the seam of the lips down everything between the cheeks follows, the chin entirely."""
    window = canvas.window(-0.72, identity.mouth_y - 0.05, 0.72, identity.chin_y + 0.20)
    x, y = canvas.part(window).grid()
    follows = ramp(y, identity.mouth_y, identity.chin_y - 0.04) * (1 - ramp(np.abs(x), 0.44, 0.68))
    columns, rows = np.meshgrid(np.arange(x.shape[1], dtype=np.float32), np.arange(x.shape[0], dtype=np.float32))
    return Jaw(window, columns, rows, follows.astype(np.float32))
