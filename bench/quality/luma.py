"""The brightness of a picture, on one scale whatever its format."""

import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from services.common.media.formats import layout_of
from services.common.media.picture import Picture

_GREEN_BLUE_RED_WEIGHTS = (0.587, 0.114, 0.299)


def luma(picture: Picture) -> NDArray[np.float32]:
    """float32 [h, w], 0 black to 255 white: the picture's own luma, or BT.601's of an RGB picture."""
    layout = layout_of(picture.format)
    if layout.is_rgb:
        weighted = (np.float32(w) * plane for w, plane in zip(_GREEN_BLUE_RED_WEIGHTS, picture.planes, strict=True))
        return np.asarray(sum(weighted), np.float32)
    samples = picture.planes[0].astype(np.float32) / np.float32(1 << (layout.bits - 8))
    if picture.color.swscale_range == int(ColorRange.JPEG):
        return samples
    return np.asarray((samples - 16) * np.float32(255 / 219), np.float32)
