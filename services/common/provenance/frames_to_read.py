"""Which frames of a file its watermark is read from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.media.decode import read_pictures
from services.common.media.formats import WorkingFormat, layout_of
from services.common.media.planes import Plane
from services.common.media.probe import VideoInfo
from services.common.provenance.reading import MOST_FRAMES, RUN_FRAMES

_FURTHEST_APART: Final = 8
"""Frames between two that are read, at most: those in between have to be decoded as well."""


def lumas_to_read(path: Path, info: VideoInfo) -> Iterator[Plane]:
    """The luma of at most MOST_FRAMES frames spread over the file, h×w uint8 or (10 bits) uint16."""
    working_format: WorkingFormat | None = "yuv444p" if layout_of(info.working_format).is_rgb else None
    for picture in read_pictures(path, info, frames_to_read(info.frame_count, info.keyframes), working_format):
        yield picture.planes[0]


def frames_to_read(frame_count: int, keyframes: NDArray[np.int64]) -> list[int]:
    """Rising indices, in runs that begin at keyframes and go on closely, so that little is decoded in vain."""
    runs = MOST_FRAMES // RUN_FRAMES
    middles = (np.arange(runs) + 0.5) * frame_count / runs
    before = np.searchsorted(keyframes, middles, side="right") - 1
    starts = np.unique(np.append(keyframes, 0)[before])
    ends = np.minimum(np.append(starts[1:], frame_count), starts + MOST_FRAMES // len(starts) * _FURTHEST_APART)
    spread = [
        np.linspace(start, end, MOST_FRAMES // len(starts), endpoint=False)
        for start, end in zip(starts, ends, strict=True)
    ]
    indices: list[int] = np.unique(np.concatenate(spread).astype(np.int64)).tolist()
    return indices
