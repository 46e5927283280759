"""Which frames of a file its watermark is read from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

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
    for picture in read_pictures(path, info, frames_to_read(info), working_format):
        yield picture.planes[0]


def frames_to_read(info: VideoInfo) -> list[int]:
    """Runs of frames that begin at keyframes, so that little is decoded in vain; rising."""
    runs = MOST_FRAMES // RUN_FRAMES
    middles = (np.arange(runs) + 0.5) * info.frame_count / runs
    before = np.searchsorted(info.keyframes, middles, side="right") - 1
    starts = np.unique(np.append(info.keyframes, 0)[before])
    ends = np.append(starts[1:], info.frame_count)
    per_run = MOST_FRAMES // len(starts)
    return [frame for start, end in zip(starts, ends, strict=True) for frame in _spread(int(start), int(end), per_run)]


def _spread(start: int, end: int, count: int) -> range:
    step = min(max(1, (end - start) // count), _FURTHEST_APART)
    return range(start, min(end, start + count * step), step)
