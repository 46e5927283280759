"""The visible label: “AI”, small, in the lower right corner."""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.media.picture import Picture, Roi

_TEXT: Final = "AI"
_FONT: Final = cv2.FONT_HERSHEY_DUPLEX
_HEIGHT_SHARE, _MARGIN_SHARE = 0.045, 0.02
"""Of the frame's shorter side."""
_LEAST_HEIGHT_PX: Final = 12
_OPACITY: Final = 0.75


def labelled(picture: Picture) -> Picture:
    """`picture` with the label on it; frames too small to hold it stay as they are."""
    roi, image_rgb, alpha = _label(picture.width, picture.height)
    return picture.blended(roi, image_rgb, alpha) if roi.x >= 0 and roi.y >= 0 else picture


@lru_cache(maxsize=2)
def _label(width: int, height: int) -> tuple[Roi, NDArray[np.float32], NDArray[np.float32]]:
    """Where it lies, what it shows and how much it covers, for a frame size."""
    short_px = min(width, height)
    label_px = max(_LEAST_HEIGHT_PX, round(_HEIGHT_SHARE * short_px))
    margin_px = round(_MARGIN_SHARE * short_px)
    thickness = max(1, label_px // 14)
    scale = cv2.getFontScaleFromHeight(_FONT, max(1, label_px // 2), thickness)
    (text_w, text_h), _ = cv2.getTextSize(_TEXT, _FONT, scale, thickness)
    label_w = text_w + label_px // 2
    image = np.zeros((label_px, label_w, 3), np.uint8)
    where = (label_w - text_w) // 2, (label_px + text_h) // 2
    cv2.putText(image, _TEXT, where, _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)
    roi = Roi(width - margin_px - label_w, height - margin_px - label_px, label_w, label_px)
    return roi, image.astype(np.float32), np.full((label_px, label_w), _OPACITY, np.float32)
