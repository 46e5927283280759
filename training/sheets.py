"""Sample sheets: rows of small pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def as_rgb(images: Tensor) -> NDArray[np.uint8]:
    """Images N×3×H×W in about [−1, 1] → uint8 N×H×W×3."""
    pixels = (images.detach().float().cpu() * 127.5 + 127.5).round().clamp(0, 255)
    return pixels.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def grid(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Pictures of one size, H×W×3, as one."""
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
