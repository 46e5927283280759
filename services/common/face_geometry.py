"""Where a face sits in its crop: the crop's size and the template its three points are brought to.

Preprocessing cuts the face out with these numbers and compositing puts it back with the same ones.
"""

import numpy as np
from numpy.typing import NDArray

_TEMPLATE_WH = (75, 100)
_TEMPLATE_TRIPLE = ((17.0, 20.0), (58.0, 20.0), (37.5, 40.0))


def _template_scale(resolution: int) -> float:
    return 2.8 * resolution / 256


def crop_size_wh(resolution: int) -> tuple[int, int]:
    """Width and height of the 3:4 crop, px, of a face of `resolution` px: 210×280 at 256, 420×560 at 512."""
    scale = _template_scale(resolution)
    width, height = _TEMPLATE_WH
    return int(width * scale), int(height * scale)


def template_triple(resolution: int) -> NDArray[np.float64]:
    """3×2 crop px (x, y): image-left brow, image-right brow, nose."""
    return np.array(_TEMPLATE_TRIPLE) * _template_scale(resolution)
